package git

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// smart speaks protocol version 2 over HTTP with one remote. It does what the binary does, without
// starting three processes for each question: polling many repositories costs one request each,
// and a push is followed in a third of the time. What it does not understand is left to the
// binary: the error is then errFallback.
type smart struct {
	addr   Address
	auth   *model.Auth
	client *http.Client
	// shown is set once the server's advertisement was read and showed all that is needed, and
	// off when it showed that it is not.
	shown, off atomic.Bool
}

var errFallback = errors.New("not for this client")

const agent = "agent=fairlead"

// newSmart makes a client for a remote over HTTP. Its connections are kept between requests.
func newSmart(remote Remote, proxy func(*http.Request) (*url.URL, error)) (*smart, error) {
	t := &http.Transport{
		Proxy:               proxy,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 2,
		ForceAttemptHTTP2: true,
	}
	if a := remote.auth; a != nil && len(a.CA) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(a.CA) {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidCredential", Msg: "the CA given for " + remote.Address.Host + " holds no PEM certificate"}
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &smart{
		addr: remote.Address, auth: remote.auth,
		client: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // where a redirect may lead and with what, the binary knows
		}},
	}, nil
}

// lsRefs lists the refs that begin with one of prefixes; none means all.
func (s *smart) lsRefs(ctx context.Context, prefixes []string) (Refs, error) {
	req := newRequest("ls-refs", agent, "object-format=sha1")
	req.line("peel")
	req.line("symrefs")
	for _, p := range prefixes {
		req.line("ref-prefix " + p)
	}
	body, err := s.ask(ctx, req)
	if err != nil {
		return Refs{}, err
	}
	defer body.Close()
	in := newPackets(io.LimitReader(body, maxOutput))
	refs := Refs{Commits: map[string]string{}}
	for {
		p, err := in.next()
		if err != nil {
			return Refs{}, err // an end before the flush is no complete list
		}
		if p.special == flushPkt {
			return refs, nil
		}
		if err := refs.add(p.line()); err != nil {
			return Refs{}, err
		}
	}
}

// add reads one line of ls-refs: "<id> <name>[ symref-target:<ref>][ peeled:<id>]".
func (r *Refs) add(line string) error {
	f := strings.Split(line, " ")
	if len(f) < 2 {
		return fmt.Errorf("line %q in a list of refs", line)
	}
	id, name := f[0], f[1]
	for _, attribute := range f[2:] {
		if target, ok := strings.CutPrefix(attribute, "symref-target:"); ok && name == "HEAD" {
			r.Head = target
		}
		if peeled, ok := strings.CutPrefix(attribute, "peeled:"); ok {
			id = peeled
		}
	}
	if id == "unborn" {
		return nil
	}
	if !IsCommitID(id) {
		return fmt.Errorf("object ID %q in a list of refs", id)
	}
	r.Commits[name] = id
	return nil
}

// fetch asks for commits without history, for one who has others, and gives the pack to unpack
// and the commits that are cut off.
func (s *smart) fetch(ctx context.Context, want, have, cut []string, unpack func(io.Reader) error) (shallow []string, err error) {
	req := newRequest("fetch", agent, "object-format=sha1")
	for _, line := range []string{"thin-pack", "ofs-delta", "no-progress"} {
		req.line(line)
	}
	for _, id := range cut {
		req.line("shallow " + id)
	}
	req.line("deepen 1")
	for _, id := range want {
		req.line("want " + id)
	}
	for _, id := range have {
		req.line("have " + id)
	}
	req.line("done")
	body, err := s.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	in := newPackets(body)
	section := ""
	for {
		p, err := in.next()
		if err != nil {
			return nil, err
		}
		switch {
		case p.special == delimPkt:
			section = ""
		case p.special != "":
			return nil, errors.New("the answer holds no pack")
		case section == "":
			if section = p.line(); section == "packfile" {
				return shallow, unpack(&sideband{in: in})
			}
		case section == "shallow-info":
			if id, ok := strings.CutPrefix(p.line(), "shallow "); ok && IsCommitID(id) {
				shallow = append(shallow, id)
			}
		}
	}
}

// sideband is the pack in a response's packets (gitprotocol-v2(5), "packfile").
type sideband struct {
	in   *packets
	rest []byte
	done bool
}

func (s *sideband) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.done {
			return 0, io.EOF
		}
		packet, err := s.in.next()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
		switch {
		case packet.special == flushPkt:
			s.done = true
		case len(packet.data) > 0 && packet.data[0] == 1:
			s.rest = packet.data[1:]
		case len(packet.data) > 0 && packet.data[0] == 3:
			return 0, fmt.Errorf("%w: %s", errServer, strings.TrimSpace(string(packet.data[1:])))
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// ask sends a request and gives the response's body.
func (s *smart) ask(ctx context.Context, req *request) (io.ReadCloser, error) {
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	resp, err := s.do(ctx, http.MethodPost, "/git-upload-pack", req.end())
	if err != nil {
		return nil, err
	}
	if resp.Header.Get("Content-Type") != "application/x-git-upload-pack-result" {
		_ = resp.Body.Close()
		return nil, errFallback
	}
	return resp.Body, nil
}

// look reads the server's advertisement, once.
func (s *smart) look(ctx context.Context) error {
	if s.shown.Load() {
		return nil
	}
	if s.off.Load() {
		return errFallback
	}
	resp, err := s.do(ctx, http.MethodGet, "/info/refs?service=git-upload-pack", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "application/x-git-upload-pack-advertisement" {
		return errFallback
	}
	lines, err := newPackets(io.LimitReader(resp.Body, 1<<20)).advertisement()
	if err != nil {
		return err
	}
	if !capable(lines) {
		s.off.Store(true)
		return errFallback
	}
	s.shown.Store(true)
	return nil
}

// capable reports whether an advertisement has all that is needed.
func capable(lines []string) bool {
	version2, lsRefs, shallow := false, false, false
	for _, l := range lines {
		version2 = version2 || l == "version 2"
		lsRefs = lsRefs || l == "ls-refs" || strings.HasPrefix(l, "ls-refs=")
		if f, ok := strings.CutPrefix(l, "fetch="); ok {
			shallow = strings.Contains(" "+f+" ", " shallow ")
		}
		if f, ok := strings.CutPrefix(l, "object-format="); ok && f != "sha1" {
			return false
		}
	}
	return version2 && lsRefs && shallow
}

// advertisement reads the lines before the last flush. Servers may send a section that names the
// service first.
func (p *packets) advertisement() ([]string, error) {
	var lines []string
	for {
		next, err := p.next()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		if next.special == "" {
			lines = append(lines, next.line())
			if len(lines) > 100 {
				return lines, nil // the list of refs of an older version
			}
		}
	}
}

func (s *smart) do(ctx context.Context, method, at string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.addr.URL, "/")+at, body)
	if err != nil {
		return nil, errFallback
	}
	req.Header.Set("Git-Protocol", "version=2")
	req.Header.Set("User-Agent", "git/2.0 (fairlead)") // some hosts answer others with a web page
	req.Header.Set("Accept", "*/*")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
		req.Header.Set("Accept", "application/x-git-upload-pack-result")
	}
	user, password := credential(s.addr, s.auth)
	if password != "" {
		req.SetBasicAuth(user, password)
	} else if s.auth != nil && s.auth.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.auth.Token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	_ = resp.Body.Close()
	s.shown.Store(false)
	// The binary meets the same answer, and its words for it are what is explained.
	return nil, errFallback
}
