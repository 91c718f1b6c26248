package git

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"
)

// Refs is a remote's list of refs at one moment.
type Refs struct {
	Head    string            // what HEAD points to: "refs/heads/main"; empty when the remote does not say
	Commits map[string]string // "HEAD" and full ref names to commit IDs; annotated tags are peeled
}

// LsRemote reads all refs of a remote.
func (g *Git) LsRemote(ctx context.Context, remote Remote) (Refs, error) {
	if remote.smart != nil {
		limited, cancel := context.WithTimeout(ctx, g.opts.Timeout)
		refs, err := remote.smart.lsRefs(limited, nil)
		cancel()
		if err == nil || ctx.Err() != nil {
			return refs, err
		}
	}
	out, err := g.talk(ctx, remote, command{args: []string{"ls-remote", "--symref", "--end-of-options", remote.Address.URL}})
	if err != nil {
		return Refs{}, explain(err, "reading the refs of", remote.Address)
	}
	return parseRefs(out)
}

// talk runs a command that speaks with remote.
func (g *Git) talk(ctx context.Context, remote Remote, c command) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, g.opts.Timeout)
	defer cancel()
	access, err := g.open(remote)
	if err != nil {
		return nil, err
	}
	defer access.done()
	c.env = append(c.env, access.env...)
	c.config = append(c.config, access.config...)
	c.protocol = remote.Address.Scheme
	if c.dir == "" {
		c.dir = g.opts.TempDir
	}
	return g.run(ctx, c)
}

func parseRefs(out []byte) (Refs, error) {
	refs := Refs{Commits: map[string]string{}}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		id, name, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			return Refs{}, fmt.Errorf("parsing a list of refs: line %q", lines.Text())
		}
		if target, isSym := strings.CutPrefix(id, "ref: "); isSym {
			if name == "HEAD" {
				refs.Head = target
			}
			continue
		}
		if !IsCommitID(id) {
			return Refs{}, fmt.Errorf("parsing a list of refs: %q is no object ID", id)
		}
		// "^{}" comes after the tag itself and is the commit that it tags.
		refs.Commits[strings.TrimSuffix(name, "^{}")] = id
	}
	return refs, lines.Err()
}

// IsCommitID reports whether s is a full object ID, of SHA-1 or SHA-256.
func IsCommitID(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// ValidRef reports whether name may stand in a refspec, after git-check-ref-format(1).
func ValidRef(name string) bool {
	if name == "" || name == "@" || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "/") ||
		strings.HasSuffix(name, "/") || strings.HasSuffix(name, ".") ||
		strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.Contains(name, "//") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune("~^:?*[\\", r)
	})
}
