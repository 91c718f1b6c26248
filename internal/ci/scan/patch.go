package scan

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// added is what one hunk of a patch adds.
type added struct {
	commit, date string // empty for what is staged
	file         string
	line         int // of its first line in the new file
	text         string
	cut          bool // there was more than is looked at
}

var hunkHeader = pattern.New(`^@@+ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@`)

// readPatch gives every hunk of a patch as git writes it without context. The lines of a hunk are
// counted, never guessed: no content can look like the patch's own lines.
func readPatch(r io.Reader, most int, each func(added) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var cur added
	for {
		row, err := readLine(in, most)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(row, "commit "):
			cur = added{}
			cur.commit, cur.date, _ = strings.Cut(strings.TrimPrefix(row, "commit "), " ")
		case strings.HasPrefix(row, "diff --git "):
			cur.file = ""
		case strings.HasPrefix(row, "+++ "):
			if cur.file, err = patchName(strings.TrimPrefix(row, "+++ ")); err != nil {
				return err
			}
		case strings.HasPrefix(row, "@@"):
			m := hunkHeader.FindStringSubmatch(row)
			if m == nil || cur.file == "" {
				return fmt.Errorf("reading a patch: %q is no header of a hunk", first(row[:min(len(row), 60)], "@@"))
			}
			cur.line = number(m[2])
			if err := readHunk(in, count(m[1]), count(m[3]), most, &cur); err != nil {
				return err
			}
			if cur.text != "" {
				if err := each(cur); err != nil {
					return err
				}
			}
		}
	}
}

// count is the number of lines in a hunk's header, 1 where it is left out.
func count(s string) int {
	if s == "" {
		return 1
	}
	return number(s)
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0 // the expression lets digits through only; too many of them name no line
	}
	return n
}

func readHunk(in *bufio.Reader, removed, new, most int, cur *added) error {
	var b strings.Builder
	cur.cut = false
	for removed > 0 || new > 0 {
		row, err := readLine(in, most)
		if err != nil {
			return fmt.Errorf("reading a patch of %s: it ends in the middle: %w", cur.file, io.ErrUnexpectedEOF)
		}
		switch {
		case strings.HasPrefix(row, "-"):
			removed--
		case strings.HasPrefix(row, "+"):
			new--
			if b.Len()+len(row) > most {
				cur.cut = true
				continue
			}
			b.WriteString(row[1:])
			b.WriteByte('\n')
		case strings.HasPrefix(row, `\`): // "\ No newline at end of file"
		default:
			return fmt.Errorf("reading a patch of %s: a line begins with neither + nor -", cur.file)
		}
	}
	cur.text = b.String()
	return nil
}

// readLine reads a line of any length and keeps at most most bytes of it.
func readLine(in *bufio.Reader, most int) (string, error) {
	var b strings.Builder
	for {
		part, err := in.ReadSlice('\n')
		if room := most + 1 - b.Len(); len(part) > room {
			b.Write(part[:room])
		} else {
			b.Write(part)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && b.Len() > 0, err == nil:
			return strings.TrimSuffix(b.String(), "\n"), nil
		default:
			return "", err
		}
	}
}

// patchName is the name of the new file: b/NAME, in quotes where it holds unusual bytes.
func patchName(s string) (string, error) {
	s = strings.TrimSuffix(s, "\t") // git ends names with blanks so
	if s == "/dev/null" {
		return s, nil
	}
	if strings.HasPrefix(s, `"`) {
		unquoted, err := strconv.Unquote(s) // git's escapes are C's, which are Go's but for these names
		if err != nil {
			return "", fmt.Errorf("reading a patch: the name %s cannot be read", s)
		}
		s = unquoted
	}
	name, ok := strings.CutPrefix(s, "b/")
	if !ok {
		return "", fmt.Errorf("reading a patch: the name %q does not begin with b/", s)
	}
	return name, nil
}
