package worker

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"io"
)

// maxFrame bounds one message: a request carries values, a reply everything that was rendered and
// the chart itself.
const maxFrame = 128 << 20

// keepBuffer is the size up to which a sender's buffer is kept for the next message.
const keepBuffer = 1 << 20

// sender writes messages, each preceded by its length. The types are described to the other end
// once.
type sender struct {
	out io.Writer
	buf bytes.Buffer
	enc *gob.Encoder
}

func newSender(out io.Writer) *sender {
	s := &sender{out: out}
	s.enc = gob.NewEncoder(&s.buf)
	return s
}

// send writes one message. An error leaves the stream unusable.
func (s *sender) send(message any) error {
	s.buf.Reset()
	s.buf.Write(make([]byte, 4))
	if err := s.enc.Encode(message); err != nil {
		return fmt.Errorf("encoding %T: %w", message, err)
	}
	frame := s.buf.Bytes()
	if len(frame)-4 > maxFrame {
		return fmt.Errorf("sending %T of %d MiB: more than %d MiB", message, len(frame)>>20, maxFrame>>20)
	}
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	_, err := s.out.Write(frame)
	if s.buf.Cap() > keepBuffer {
		s.buf = bytes.Buffer{}
	}
	return err
}

// receiver reads what a sender wrote.
type receiver struct {
	frames *frames
	dec    *gob.Decoder
}

func newReceiver(in io.Reader) *receiver {
	f := &frames{in: in}
	return &receiver{frames: f, dec: gob.NewDecoder(f)}
}

// receive reads the next message into a pointer. io.EOF means that the other end is done.
func (r *receiver) receive(message any) error {
	if err := r.frames.next(); err != nil {
		return err
	}
	if err := r.dec.Decode(message); err != nil {
		return fmt.Errorf("decoding %T: %w", message, err)
	}
	return nil
}

// frames is the content of one frame after the other. It is a ByteReader so that gob reads no
// further than it must.
type frames struct {
	in   io.Reader
	left int64
	one  [1]byte
}

func (f *frames) next() error {
	if f.left != 0 {
		return fmt.Errorf("reading frame: %d bytes of the last one are left", f.left)
	}
	var size [4]byte
	if _, err := io.ReadFull(f.in, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxFrame {
		return fmt.Errorf("reading frame: %d bytes are more than %d", n, maxFrame)
	}
	f.left = int64(n)
	return nil
}

func (f *frames) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := f.in.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, err
}

// ReadByte reads the length that gob puts before each of its own messages.
func (f *frames) ReadByte() (byte, error) {
	if f.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if _, err := io.ReadFull(f.in, f.one[:]); err != nil {
		return 0, err
	}
	f.left--
	return f.one[0], nil
}
