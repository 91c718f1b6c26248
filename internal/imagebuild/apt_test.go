package imagebuild

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMirrorFor(t *testing.T) {
	for name, tc := range map[string]struct {
		file, content, want string
	}{
		"one-line format": {"sources.list", "# comment\ndeb http://mirror.example/debian bookworm main contrib\n", "http://mirror.example/debian"},
		"options in brackets": {"sources.list.d/a.list",
			"deb [arch=amd64 signed-by=/x.gpg] https://mirror.example/debian bookworm main\n", "https://mirror.example/debian"},
		"deb822 format": {"sources.list.d/debian.sources",
			"Types: deb\n# why\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n", "http://mirror.example/debian"},
		"deb822 continued": {"sources.list.d/debian.sources",
			"Types: deb deb-src\nURIs: http://mirror.example/debian\nSuites:\n bookworm\n bookworm-updates\nComponents: main\n", "http://mirror.example/debian"},
		"disabled stanza":     {"sources.list.d/a.sources", "Types: deb\nEnabled: no\nURIs: http://a.example/\nSuites: bookworm\nComponents: main\n", ""},
		"another suite":       {"sources.list", "deb http://mirror.example/debian trixie main\n", ""},
		"updates are no base": {"sources.list", "deb http://mirror.example/debian bookworm-updates main\n", ""},
		"another vendor":      {"sources.list", "deb https://vendor.example/apt bookworm stable\n", ""},
		"no transport we have": {"sources.list", "deb cdrom:[Debian]/ bookworm main\n" +
			"deb mirror+file:/etc/apt/mirrors bookworm main\n", ""},
		"unclosed bracket": {"sources.list", "deb [arch=amd64 http://mirror.example/debian bookworm main\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, tc.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(tc.content), 0o644); err != nil {
				t.Fatal(err)
			}
			sources, err := readAptSources(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := mirrorFor(sources, "bookworm"); got != tc.want {
				t.Errorf("mirror = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	const mirror = "http://user:secret@mirror.example/debian"
	if got := redact("E: cannot reach "+mirror+"/dists", mirror); got != "E: cannot reach (mirror)/dists" {
		t.Errorf("got %q", got)
	}
}
