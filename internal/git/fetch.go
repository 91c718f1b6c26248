package git

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Fetch brings the newest commit of each of names (full ref names, "HEAD", or commit IDs) here,
// without history, and gives the commit each one is at.
func (r *Repo) Fetch(ctx context.Context, remote Remote, names []string) (map[string]string, error) {
	for _, name := range names {
		if !ValidRef(name) {
			return nil, fmt.Errorf("fetching %q: no valid ref name", name)
		}
	}
	r.mu.Lock()
	r.fetches++
	r.mu.Unlock()
	if remote.smart != nil {
		limited, cancel := context.WithTimeout(ctx, r.git.opts.Timeout)
		got, err := r.fetchSmart(limited, remote.smart, names)
		cancel()
		if err == nil || ctx.Err() != nil {
			return got, err
		}
	}
	return r.fetchBinary(ctx, remote, names)
}

func (r *Repo) fetchBinary(ctx context.Context, remote Remote, names []string) (map[string]string, error) {
	var specs strings.Builder
	for _, name := range names {
		fmt.Fprintf(&specs, "+%s:%s\n", name, local(name))
	}
	c := command{
		dir: r.Dir,
		args: []string{"fetch", "--quiet", "--force", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
			"--no-show-forced-updates", "--stdin", "--end-of-options", remote.Address.URL},
		stdin: strings.NewReader(specs.String()),
		limit: r.git.opts.FetchBytes,
	}
	if _, err := r.git.talk(ctx, remote, c); err != nil {
		return nil, explain(err, "fetching from", remote.Address)
	}
	got := make(map[string]string, len(names))
	for _, name := range names {
		obj, err := r.Object(ctx, local(name)+"^{commit}")
		if err != nil {
			return nil, fmt.Errorf("fetching %s from %s: %w", name, remote.Address, err)
		}
		got[name] = obj.ID
	}
	r.noteTips(got)
	return got, nil
}

// fetchSmart does what fetchBinary does through our own client. An error other than the
// context's may be the client's own: the binary tries again then.
func (r *Repo) fetchSmart(ctx context.Context, remote *smart, names []string) (map[string]string, error) {
	tips, err := r.readTips(ctx)
	if err != nil {
		return nil, err
	}
	got, err := remote.locate(ctx, names)
	if err != nil {
		return nil, err
	}
	var want []string
	for _, id := range got {
		if obj, err := r.Object(ctx, id); (err != nil || obj.Type != "commit") && !slices.Contains(want, id) {
			want = append(want, id)
		}
	}
	if len(want) > 0 {
		slices.Sort(want)
		// What is kept here has no history: each commit is the end of what we know.
		cut, err := remote.fetch(ctx, want, tips, tips, func(pack io.Reader) error { return r.unpack(ctx, pack) })
		if err != nil {
			return nil, err
		}
		if err := r.addShallow(cut); err != nil {
			return nil, err
		}
		for _, id := range want {
			if obj, err := r.Object(ctx, id); err != nil || obj.Type != "commit" {
				return nil, fmt.Errorf("commit %s was not in the pack: %w", id, err)
			}
		}
	}
	for name, id := range got {
		if err := r.writeRef(local(name), id); err != nil {
			return nil, err
		}
	}
	r.noteTips(got)
	return got, nil
}

// locate finds which commit each name is at; a name that is a commit's ID is there.
func (s *smart) locate(ctx context.Context, names []string) (map[string]string, error) {
	got := map[string]string{}
	var prefixes []string
	for _, name := range names {
		if IsCommitID(name) {
			got[name] = name
		} else {
			prefixes = append(prefixes, name)
		}
	}
	if len(prefixes) == 0 {
		return got, nil
	}
	refs, err := s.lsRefs(ctx, prefixes)
	if err != nil {
		return nil, err
	}
	for _, name := range prefixes {
		id, ok := refs.Commits[name]
		if !ok {
			return nil, errFallback // the binary says it in words that are understood
		}
		got[name] = id
	}
	return got, nil
}

// maxTips bounds what a server is told that we have.
const maxTips = 256

// readTips are commits that are here with all that belongs to them.
func (r *Repo) readTips(ctx context.Context) ([]string, error) {
	r.mu.Lock()
	known := r.tips
	r.mu.Unlock()
	if known == nil {
		refs, err := r.Refs(ctx)
		if err != nil {
			return nil, err
		}
		known = map[string]string{}
		for name, id := range refs {
			known[name] = id
		}
		r.mu.Lock()
		r.tips = known
		r.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, id := range r.tips {
		if !slices.Contains(ids, id) && len(ids) < maxTips {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (r *Repo) noteTips(got map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tips == nil {
		return // read when they are needed
	}
	for name, id := range got {
		r.tips[local(name)] = id
	}
}

// unpack stores a pack: small ones as loose objects, others as they are, with an index.
func (r *Repo) unpack(ctx context.Context, pack io.Reader) error {
	limited := &io.LimitedReader{R: pack, N: r.git.opts.FetchBytes}
	in := bufio.NewReaderSize(limited, 64<<10)
	head, err := in.Peek(12) // "PACK", version, number of objects (gitformat-pack(5))
	if err != nil {
		return fmt.Errorf("reading a pack: %w", err)
	}
	args := []string{"unpack-objects", "-q"}
	if binary.BigEndian.Uint32(head[8:]) > 200 {
		args = []string{"index-pack", "--stdin", "--fix-thin"}
	}
	_, err = r.git.run(ctx, command{dir: r.Dir, args: args, stdin: in})
	if limited.N <= 0 {
		return &model.Error{Kind: model.ErrInvalid, Reason: "RepositoryTooLarge", Msg: "the repository is larger than allowed", Next: "raise the limit on fetches, or split the repository"}
	}
	return err
}

// addShallow notes commits whose parents are not here (gitrepository-layout(5), "shallow").
func (r *Repo) addShallow(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	file := filepath.Join(r.Dir, "shallow")
	have, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the shallow commits: %w", err)
	}
	out := bytes.NewBuffer(have)
	for _, id := range ids {
		if !bytes.Contains(have, []byte(id)) {
			out.WriteString(id + "\n")
		}
	}
	return replace(file, out.Bytes())
}

// writeRef sets a ref that nobody else writes.
func (r *Repo) writeRef(ref, id string) error {
	file := filepath.Join(r.Dir, filepath.FromSlash(ref))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("writing ref %s: %w", ref, err)
	}
	return replace(file, []byte(id+"\n"))
}

// replace writes a file that appears complete or not at all.
func replace(file string, data []byte) error {
	if err := os.WriteFile(file+".lock", data, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(file), err)
	}
	if err := os.Rename(file+".lock", file); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(file), err)
	}
	return nil
}

// local is the ref that keeps what was fetched of a remote's ref. It is a digest, so that refs
// which cannot exist side by side as files ("a" and, later, "a/b") never meet.
func local(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "refs/fetched/" + hex.EncodeToString(sum[:16])
}
