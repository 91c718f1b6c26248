package git_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// sshServer runs git-upload-pack for whoever has the key.
type sshServer struct {
	addr    string // host:port
	hostKey ssh.PublicKey
}

func newKey(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

func startSSH(t *testing.T, allowed ssh.PublicKey) sshServer {
	t.Helper()
	host, _ := newKey(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveSSH(conn, config)
		}
	}()
	return sshServer{addr: l.Addr().String(), hostKey: host.PublicKey()}
}

func serveSSH(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		for r := range requests {
			if r.Type != "exec" {
				_ = r.Reply(r.Type == "env", nil)
				continue
			}
			_ = r.Reply(true, nil)
			_, dir, _ := strings.Cut(string(r.Payload[4:]), " ")
			cmd := exec.Command("git", "upload-pack", strings.Trim(dir, "'"))
			cmd.Stdin, cmd.Stdout, cmd.Stderr = channel, channel, channel.Stderr()
			_ = cmd.Run()
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(cmd.ProcessState.ExitCode())}))
			_ = channel.Close()
		}
	}
}

func TestSSH(t *testing.T) {
	f := newFixture(t)
	id := f.commit(t, map[string]string{"a": "1"})
	signer, key := newKey(t)
	_, otherKey := newKey(t)
	srv := startSSH(t, signer.PublicKey())
	trusted := []byte(knownhosts.Line([]string{srv.addr}, srv.hostKey) + "\n")
	otherHost, _ := newKey(t)
	wrong := []byte(knownhosts.Line([]string{srv.addr}, otherHost.PublicKey()) + "\n")
	addr, err := git.ParseAddress("ssh://git@" + srv.addr + f.origin.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		auth   *model.Auth
		reason string
	}{
		{"right key", &model.Auth{SSHKey: key, KnownHosts: trusted}, ""},
		{"key without its last line feed", &model.Auth{SSHKey: []byte(strings.TrimSpace(string(key))), KnownHosts: trusted}, ""},
		{"wrong key", &model.Auth{SSHKey: otherKey, KnownHosts: trusted}, "AuthenticationFailed"},
		{"no key", nil, "MissingCredential"},
		{"no known hosts", &model.Auth{SSHKey: key}, "MissingKnownHosts"},
		{"unknown host", &model.Auth{SSHKey: key, KnownHosts: []byte("example.com ssh-ed25519 AAAA\n")}, "HostKeyUnknown"},
		{"another host key", &model.Auth{SSHKey: key, KnownHosts: wrong}, "HostKeyUnknown"},
		{"key that is none", &model.Auth{SSHKey: []byte("s3cret"), KnownHosts: trusted}, "AuthenticationFailed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			remote, err := f.git.Remote(addr, test.auth)
			if err != nil {
				t.Fatal(err)
			}
			refs, err := f.git.LsRemote(t.Context(), remote)
			if got := model.ReasonOf(err, ""); got != test.reason || (err == nil && refs.Commits["HEAD"] != id) {
				t.Fatalf("%q, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Error("the error tells the key")
			}
			if err == nil {
				if got, err := f.copy.Fetch(t.Context(), remote, []string{"HEAD"}); err != nil || got["HEAD"] != id {
					t.Errorf("%v, %v", got, err)
				}
			}
		})
	}
}
