package git

import (
	"net/url"
	"path"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// Address is where a repository is.
type Address struct {
	Scheme   string // "https", "http", "ssh" or "file"
	Host     string // lower case, without port; empty for file
	Port     string // empty for the scheme's own
	User     string
	Password string // from the URL's user part; never in URL
	Path     string // cleaned, begins with "/"
	URL      string // what git is told
}

// user@host:path, with no slash before the colon.
var scpLike = pattern.New(`^(?:([A-Za-z0-9._~+-]+)@)?([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):([^:].*)$`)

// ParseAddress reads an https, http, ssh or file URL, the scp-like form "git@host:org/repo", or an
// absolute path. Other schemes are refused: git:// is neither authenticated nor encrypted, and
// "ext::" runs commands.
func ParseAddress(raw string) (Address, error) {
	s := strings.TrimSpace(raw)
	if s == "" {
		return Address{}, invalidAddress(raw, "it is empty", "")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Address{}, invalidAddress("", "it contains a control character", "")
	}
	if strings.HasPrefix(s, "/") {
		return fileAddress(s), nil
	}
	if !strings.Contains(s, "://") {
		m := scpLike.FindStringSubmatch(s)
		if m == nil || strings.Contains(s, "::") {
			return Address{}, invalidAddress(s, "it is no Git URL",
				"write https://host/org/repo, ssh://git@host/org/repo or git@host:org/repo")
		}
		p := m[3]
		if strings.HasPrefix(p, "-") || strings.HasPrefix(m[2], "-") {
			return Address{}, invalidAddress(s, "a part of it begins with a dash", "")
		}
		a := Address{Scheme: "ssh", User: m[1], Host: strings.ToLower(strings.Trim(m[2], "[]")), Path: clean(p)}
		a.URL = s
		return a, nil
	}
	return parseURL(s)
}

func parseURL(s string) (Address, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The parser's own error repeats the URL, which may hold a password.
		return Address{}, invalidAddress("", "it cannot be parsed", "")
	}
	a := Address{Scheme: strings.ToLower(u.Scheme), Host: strings.ToLower(u.Hostname()), Port: u.Port(), Path: clean(u.Path)}
	if u.User != nil {
		a.User = u.User.Username()
		a.Password, _ = u.User.Password()
	}
	switch a.Scheme {
	case "file":
		if a.Host != "" && a.Host != "localhost" {
			return Address{}, invalidAddress(u.Redacted(), "a file URL names no host", "")
		}
		return fileAddress(u.Path), nil
	case "http", "https":
		if a.Port == map[string]string{"http": "80", "https": "443"}[a.Scheme] {
			a.Port = ""
		}
		u.User = nil
		u.RawQuery, u.Fragment = "", ""
	case "ssh":
		if a.Port == "22" {
			a.Port = ""
		}
		if a.User != "" {
			u.User = url.User(a.User)
		}
		if strings.HasPrefix(a.User, "-") {
			return Address{}, invalidAddress("", "its user begins with a dash", "")
		}
	default:
		return Address{}, invalidAddress(u.Redacted(), "scheme "+a.Scheme+" is not supported", "use https, http, ssh or file")
	}
	if a.Host == "" || strings.HasPrefix(a.Host, "-") || a.Path == "/" {
		return Address{}, invalidAddress(u.Redacted(), "it names no repository on a host", "")
	}
	a.URL = u.String()
	return a, nil
}

func fileAddress(p string) Address {
	p = clean(p)
	return Address{Scheme: "file", Path: p, URL: "file://" + (&url.URL{Path: p}).EscapedPath()}
}

func clean(p string) string { return path.Clean("/" + p) }

func invalidAddress(raw, why, next string) error {
	msg := "the repository URL is not usable: " + why
	if raw != "" {
		msg = "repository URL " + scrub(raw) + " is not usable: " + why
	}
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidURL", Msg: msg, Next: next}
}

// Same reports whether two addresses are, as far as names can tell, one repository: scheme, user,
// a ".git" suffix and letter case are no difference, nor is the port of ssh.
func (a Address) Same(b Address) bool {
	if (a.Scheme == "file") != (b.Scheme == "file") || a.Host != b.Host {
		return false
	}
	if a.Scheme != "ssh" && b.Scheme != "ssh" && a.Port != b.Port {
		return false
	}
	bare := func(p string) string { return strings.TrimSuffix(strings.TrimSuffix(p, "/"), ".git") }
	if a.Scheme == "file" {
		return bare(a.Path) == bare(b.Path)
	}
	return strings.EqualFold(bare(a.Path), bare(b.Path))
}

// String is the address without credentials.
func (a Address) String() string { return a.URL }

// origin is scheme://host[:port], as git's per-URL configuration wants it.
func (a Address) origin() string {
	host := a.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if a.Port != "" {
		host += ":" + a.Port
	}
	return a.Scheme + "://" + host
}
