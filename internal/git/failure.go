package git

import (
	"context"
	"errors"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

var userinfo = pattern.New(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@\s'"]+@`)

// scrub takes the user part, which may be a credential, out of every URL in s.
func scrub(s string) string { return userinfo.ReplaceAllString(s, "$1") }

// sign is a mark in git's messages (in the C locale) and what it means.
type sign struct {
	marks  []string
	kind   model.ErrorKind
	reason string
	msg    string
	next   string
}

// ReasonCorrupt is the reason of an error that says that the local copy is damaged.
const ReasonCorrupt = "CopyCorrupt"

// signs are tried in order. Their words come from git's transport.c, http.c, remote-curl.c and
// connect.c, from libcurl's and from OpenSSH's messages.
var signs = []sign{
	{[]string{"Host key verification failed", "No ED25519 host key is known", "REMOTE HOST IDENTIFICATION HAS CHANGED"},
		model.ErrDenied, "HostKeyUnknown", "the server's SSH host key is not among the known hosts",
		"add the host's key to known_hosts in the credential's Secret"},
	{[]string{"Permission denied (publickey", "Permission denied, please try again", "Load key "},
		model.ErrDenied, "AuthenticationFailed", "the server refused the SSH key",
		"check that the key in the Secret is a deploy key of this repository"},
	{[]string{"could not read Username", "could not read Password", "terminal prompts disabled"},
		model.ErrDenied, "AuthenticationRequired", "the server asks for a credential",
		"check the URL (a repository that does not exist asks too), or name a Secret with username and password"},
	{[]string{"Authentication failed", "returned error: 401", "HTTP Basic: Access denied"},
		model.ErrDenied, "AuthenticationFailed", "the server refused the credential",
		"check username and password (or token) in the Secret"},
	{[]string{"returned error: 403", "Access denied", "access denied"},
		model.ErrDenied, "AccessDenied", "the credential may not do this here",
		"give the account or token the right to read this repository"},
	{[]string{"server certificate verification failed", "SSL certificate problem", "certificate verify failed",
		"signer not trusted", "Peer's Certificate issuer is not recognized"},
		model.ErrDenied, "CertificateUntrusted", "the server's certificate is not trusted",
		"put the CA's certificate into the credential's Secret as ca.crt"},
	{[]string{"repository not found", "Repository not found", "does not appear to be a git repository",
		"not found: did you run", "returned error: 404", "' not found", "No such file or directory"},
		model.ErrNotFound, "RepositoryNotFound", "there is no such repository",
		"check the URL, and whether the credential may see it"},
	{[]string{"couldn't find remote ref", "not our ref", "no such ref"},
		model.ErrNotFound, "RefNotFound", "the repository has no such ref", ""},
	{[]string{"Could not resolve host", "Could not resolve hostname", "Name or service not known"},
		model.ErrTransient, "HostUnreachable", "the host's name cannot be resolved", "check the URL and the network"},
	{[]string{"Connection refused", "Connection timed out", "Connection reset", "Failed to connect", "Couldn't connect",
		"No route to host", "Network is unreachable", "Operation timed out", "timed out", "early EOF", "unexpected disconnect",
		"the remote end hung up", "RPC failed", "Operation too slow"},
		model.ErrTransient, "HostUnreachable", "the host cannot be reached", "check the URL and the network"},
	{[]string{"file size limit exceeded", "File too large", "signal 25"},
		model.ErrInvalid, "RepositoryTooLarge", "the repository is larger than allowed", "raise the limit on fetches, or split the repository"},
	{[]string{"not allowed", "transport '"},
		model.ErrInvalid, "ProtocolNotAllowed", "the repository uses a protocol that is not allowed", ""},
	{[]string{"is corrupt", "bad object", "is empty", "unable to read", "did not send all necessary objects", "cannot be read", "inflate:"},
		model.ErrTransient, ReasonCorrupt, "the local copy is damaged", ""},
	{[]string{"non-fast-forward", "fetch first", "[rejected]", "cannot lock ref", "Not updating"},
		model.ErrConflict, "RefMoved", "the branch has moved on", ""},
}

// explain turns a command's failure into an error for people. what is a gerund: "reading".
func explain(err error, what string, addr Address) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &model.Error{Kind: model.ErrTransient, Reason: "Timeout", Msg: what + " " + addr.String() + ": no answer in time", Err: err}
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	out := &model.Error{Kind: model.ErrTransient, Reason: "GitFailed", Msg: what + " " + addr.String(), Err: errors.New(f.Error())}
	for _, s := range signs {
		for _, m := range s.marks {
			if strings.Contains(f.stderr, m) || strings.Contains(f.err.Error(), m) {
				out.Kind, out.Reason, out.Next = s.kind, s.reason, s.next
				out.Msg += ": " + s.msg
				out.Err = errors.New(saying(f, m))
				return out
			}
		}
	}
	return out
}

// saying is the line that holds the mark, so that the cause is in git's or the server's own words.
func saying(f *failure, mark string) string {
	for line := range strings.Lines(f.stderr) {
		if strings.Contains(line, mark) {
			return strings.TrimSpace(line)
		}
	}
	return f.Error()
}
