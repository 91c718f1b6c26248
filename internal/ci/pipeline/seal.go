package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// A file begins with a comment that holds the digest of all the rest, so that a later run knows its
// own work from someone's change of it.
const (
	sealFirst = "# Written by fairlead ci init. Edit it as you like: it is yours then, and fairlead ci init shows the"
	sealNext  = "# difference and replaces it only with --force. sha256:"
)

// seal puts the comment into a file's content.
func seal(content string) string {
	head, rest := opening(content)
	return head + sealFirst + "\n" + sealNext + digest(content) + "\n" + rest
}

// intact reports whether a file is as seal made it.
func intact(file string) bool {
	head, rest := opening(file)
	rest, ok := strings.CutPrefix(rest, sealFirst+"\n"+sealNext)
	sum, rest, more := strings.Cut(rest, "\n")
	return ok && more && sum == digest(head+rest)
}

// opening cuts off a line that has to stay the first: an interpreter's name, or the beginning of a
// comment in a page.
func opening(content string) (line, rest string) {
	if !strings.HasPrefix(content, "#!") && !strings.HasPrefix(content, "<!--\n") {
		return "", content
	}
	line, rest, _ = strings.Cut(content, "\n")
	return line + "\n", rest
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// optionsHead begins the lines of a pipeline that say which options it was made with.
const (
	optionsHead = "# Made with these options, which the next fairlead ci init takes again:"
	optionsLine = "#   --"
)

// RecordedOptions are the options ("name=value") that a pipeline was made with.
func RecordedOptions(file string) []string {
	_, rest, ok := strings.Cut(file, optionsHead+"\n")
	if !ok {
		return nil
	}
	var out []string
	for line := range strings.Lines(rest) {
		option, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), optionsLine)
		if !ok {
			break
		}
		out = append(out, option)
	}
	return out
}

// optionLines is what RecordedOptions reads.
func optionLines(options []string) string {
	if len(options) == 0 {
		return ""
	}
	return optionsHead + "\n" + optionsLine + strings.Join(options, "\n"+optionsLine) + "\n"
}
