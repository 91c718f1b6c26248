package git

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// The special packets of gitprotocol-common(5) and gitprotocol-v2(5).
const (
	flushPkt = "0000"
	delimPkt = "0001"
)

// packet is one packet of a response. A special one has no data.
type packet struct {
	special string
	data    []byte
}

// line is the data as text, without the line feed.
func (p packet) line() string { return string(bytes.TrimSuffix(p.data, []byte("\n"))) }

// packets reads pkt-lines.
type packets struct {
	in  *bufio.Reader
	buf []byte
}

func newPackets(r io.Reader) *packets {
	return &packets{in: bufio.NewReaderSize(r, 64<<10), buf: make([]byte, 65520)}
}

var errServer = errors.New("the server reports")

// next reads a packet. Its data is valid until the next call.
func (p *packets) next() (packet, error) {
	var head [4]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		return packet{}, err
	}
	n, err := strconv.ParseUint(string(head[:]), 16, 16)
	if err != nil {
		return packet{}, fmt.Errorf("malformed packet length %q", head)
	}
	if n < 4 {
		return packet{special: string(head[:])}, nil
	}
	if int(n)-4 > len(p.buf) {
		return packet{}, fmt.Errorf("packet of %d bytes", n)
	}
	data := p.buf[:n-4]
	if _, err := io.ReadFull(p.in, data); err != nil {
		return packet{}, err
	}
	if msg, ok := bytes.CutPrefix(data, []byte("ERR ")); ok {
		return packet{}, fmt.Errorf("%w: %s", errServer, bytes.TrimSpace(msg))
	}
	return packet{data: data}, nil
}

// request is a request of protocol version 2.
type request struct{ bytes.Buffer }

func newRequest(command string, capabilities ...string) *request {
	r := &request{}
	r.line("command=" + command)
	for _, c := range capabilities {
		r.line(c)
	}
	r.WriteString(delimPkt)
	return r
}

func (r *request) line(s string) { fmt.Fprintf(r, "%04x%s\n", len(s)+5, s) }

func (r *request) end() *bytes.Reader {
	r.WriteString(flushPkt)
	return bytes.NewReader(r.Bytes())
}
