package pipeline

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"slices"
	"strings"
)

// origin is where a repository was cloned from, as far as its files say.
type origin struct {
	host, project, branch string
}

// readOrigin reads Git's own files (gitrepository-layout(5)): the git binary would read the
// configuration of whoever runs this, too. A repository without them has no origin.
func readOrigin(fsys fs.FS) (origin, error) {
	var o origin
	// In a worktree or a submodule it is a file that leads elsewhere: --project says it then.
	if info, err := fs.Stat(fsys, ".git"); err != nil || !info.IsDir() {
		return o, nil
	}
	config, err := readSmall(fsys, ".git/config")
	if err != nil {
		return o, err
	}
	inside := false
	for lines := bufio.NewScanner(strings.NewReader(config)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			inside = line == `[remote "origin"]`
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok && inside && strings.TrimSpace(key) == "url" {
			o.host, o.project = parseRemote(strings.TrimSpace(value))
		}
	}
	for _, f := range []struct{ file, prefix string }{
		{".git/refs/remotes/origin/HEAD", "ref: refs/remotes/origin/"}, {".git/HEAD", "ref: refs/heads/"},
	} {
		text, err := readSmall(fsys, f.file)
		if err != nil {
			return o, err
		}
		if name, ok := strings.CutPrefix(strings.TrimSpace(text), f.prefix); ok && o.branch == "" {
			o.branch = name
		}
	}
	return o, nil
}

// readSmall is a file's content, or nothing when there is no such file.
func readSmall(fsys fs.FS, file string) (string, error) {
	f, err := fsys.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	return string(data), nil
}

// parseRemote takes apart https://host/group/name.git, ssh://git@host:22/group/name and
// git@host:group/name.
func parseRemote(remote string) (host, project string) {
	if u, err := url.Parse(remote); err == nil && u.Host != "" {
		host, project = u.Hostname(), u.Path
		if u.Port() != "" && u.Scheme == "https" {
			host = u.Host
		}
	} else if at, rest, ok := strings.Cut(remote, ":"); ok && !strings.Contains(at, "/") {
		_, host, _ = strings.Cut(at, "@")
		project = rest
	}
	project = strings.TrimSuffix(strings.Trim(project, "/"), ".git")
	if host == "" || !strings.Contains(project, "/") {
		return "", ""
	}
	return host, project
}

// apply fills in what the owner did not say.
func (o origin) apply(s *Spec, said Options) {
	if slices.Contains([]string{GitLab + ".com", GitHub + ".com"}, o.host) && o.host != s.Provider+".com" {
		o.host, o.project = "", "" // a repository that lives at the other one
	}
	s.Host, s.Project, s.Branch = first(said.Host, o.host, s.Provider+".com"), said.Project, first(said.Branch, o.branch, "main")
	if s.Project == "" {
		s.Project, s.Guessed = first(o.project, "group/"+s.Name), o.project == ""
	}
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// setRegistry says where images go: to the build service's own registry unless there is another.
func setRegistry(s *Spec, o Options) {
	image := o.Image
	if image == "" && o.Registry != "" {
		image = strings.TrimSuffix(o.Registry, "/") + "/" + s.Name
	}
	runner := "registry." + s.Host + "/" + strings.ToLower(s.Project) + "/ci-runner"
	switch {
	case image != "":
		s.Image, s.OwnRegistry = image, true
		s.Registry, _, _ = strings.Cut(image, "/")
		runner = strings.TrimSuffix(image, "/"+s.Name) + "/ci-runner"
	case s.Provider == GitHub:
		s.Image, s.Registry = "ghcr.io/"+strings.ToLower(s.Project)+"/"+s.Name, "ghcr.io"
		runner = "ghcr.io/" + strings.ToLower(s.Project) + "/ci-runner"
	default:
		s.Image, s.Registry = "$CI_REGISTRY_IMAGE/"+s.Name, "$CI_REGISTRY"
	}
	if s.RunnerImage == "" {
		s.RunnerImage = runner + "@" + placeholderDigest
	}
}
