package manifest

import (
	"bytes"
)

// Document is one document of a stream of YAML.
type Document struct {
	Text []byte
	Line int // of the stream, where Text begins; 1 is the first
}

// Split cuts a stream of YAML at its document markers: lines that begin with "---" followed by
// space or nothing. Documents without content are dropped.
func Split(stream []byte) []Document {
	stream = bytes.TrimPrefix(stream, []byte("\xef\xbb\xbf"))
	var docs []Document
	start, startLine := 0, 1
	add := func(end int) {
		if d := (Document{stream[start:end], startLine}); !d.blank() {
			docs = append(docs, d)
		}
	}
	for pos, line := 0, 1; pos < len(stream); line++ {
		end := len(stream)
		if i := bytes.IndexByte(stream[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		if isMarker(stream[pos:end]) {
			add(pos)
			start, startLine = pos+len("---"), line
		}
		pos = end
	}
	add(len(stream))
	return docs
}

func isMarker(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\n')
}

// blank reports whether the document holds nothing but comments, directives and end markers.
func (d Document) blank() bool { return d.skipBlank() == len(d.Text) }

// FirstLine is the line of the stream that the document's content begins on.
func (d Document) FirstLine() int {
	return d.Line + bytes.Count(d.Text[:d.skipBlank()], []byte{'\n'})
}

func (d Document) skipBlank() int {
	for pos := 0; pos < len(d.Text); {
		end := len(d.Text)
		if i := bytes.IndexByte(d.Text[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		line := bytes.TrimSpace(d.Text[pos:end])
		if len(line) > 0 && line[0] != '#' && line[0] != '%' && !bytes.Equal(line, []byte("...")) {
			return pos
		}
		pos = end
	}
	return len(d.Text)
}
