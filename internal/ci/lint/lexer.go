package lint

import "strings"

// lexer reads the commands of a shell script as far as rules need them: words, quotes, pipes,
// lists, substitutions, here-documents and redirections. It follows no control flow, and what it
// does not understand it takes for words.
type lexer struct {
	src  string
	at   int
	line int
	base place // of the script's first line

	out     []*command
	cur     *command
	word    strings.Builder
	inWord  bool
	pending *command // waits for the command that reads its output
	within  *command
	depth   int
	docs    []heredoc
}

type heredoc struct {
	end string
	of  *command
}

const maxDepth = 8 // of substitutions in substitutions

// parseScript gives the commands of a script that begins at base.
func parseScript(src string, base place) []*command {
	l := &lexer{src: src, base: base}
	l.run()
	return l.out
}

func (l *lexer) run() {
	for l.at < len(l.src) {
		l.step()
	}
	l.endCommand()
}

func (l *lexer) step() {
	c := l.src[l.at]
	switch {
	case c == '\\' && l.at+1 < len(l.src):
		if l.src[l.at+1] == '\n' {
			l.endWord()
			l.line++
		} else {
			l.add(l.src[l.at+1 : l.at+2])
		}
		l.at += 2
	case c == '\n':
		l.at++
		l.endCommand()
		l.line++
		l.readDocs()
	case c == ' ' || c == '\t' || c == '\r':
		l.endWord()
		l.at++
	case c == '#' && !l.inWord:
		for l.at < len(l.src) && l.src[l.at] != '\n' {
			l.at++
		}
	case c == '\'':
		l.single()
	case c == '"':
		l.double()
	case c == '`' || c == '$' && strings.HasPrefix(l.src[l.at:], "$("):
		l.substitution()
	case c == '$' && strings.HasPrefix(l.src[l.at:], "${"):
		l.braces()
	case c == '<' || c == '>':
		l.redirect()
	default:
		l.operator(c)
	}
}

// operator ends a command or takes c as part of a word.
func (l *lexer) operator(c byte) {
	rest := l.src[l.at:]
	switch {
	case strings.HasPrefix(rest, "||"):
		l.at += 2
		ended := l.endCommand()
		if f := strings.Fields(l.src[l.at:]); ended != nil && len(f) > 0 {
			switch strings.TrimRight(f[0], ";)") {
			case "true", ":", "echo":
				ended.ignored = true
			}
		}
	case strings.HasPrefix(rest, "&&"):
		l.at += 2
		l.endCommand()
	case c == '|':
		l.at++
		if ended := l.endCommand(); ended != nil {
			l.pending = ended
		}
	case c == '&' && strings.HasPrefix(rest, "&>"):
		l.at++
	case c == ';' || c == '&' || (c == '(' || c == ')') && !l.inWord:
		l.at++
		l.endCommand()
	default:
		l.add(rest[:1])
		l.at++
	}
}

func (l *lexer) add(s string) {
	l.command()
	l.word.WriteString(s)
	l.inWord = true
}

// command is the one being read, begun here if there is none.
func (l *lexer) command() *command {
	if l.cur == nil {
		at := l.base
		at.line += l.line
		l.cur = &command{at: at, within: l.within}
	}
	return l.cur
}

func (l *lexer) endWord() {
	if l.inWord {
		l.cur.words = append(l.cur.words, l.word.String())
		l.word.Reset()
		l.inWord = false
	}
}

func (l *lexer) endCommand() *command {
	l.endWord()
	c := l.cur
	l.cur = nil
	if c == nil {
		return nil
	}
	c.finish()
	if len(c.words) == 0 && len(c.assigns) == 0 && c.input == "" {
		return nil
	}
	if l.pending != nil {
		c.from, l.pending.to = l.pending, c
		l.pending = nil
	}
	l.out = append(l.out, c)
	return c
}

func (l *lexer) single() {
	end := strings.IndexByte(l.src[l.at+1:], '\'')
	if end < 0 {
		end = len(l.src) - l.at - 1
	}
	s := l.src[l.at+1 : l.at+1+end]
	l.add(s)
	l.line += strings.Count(s, "\n")
	l.at = min(l.at+end+2, len(l.src))
}

func (l *lexer) double() {
	l.add("")
	l.at++
	for l.at < len(l.src) && l.src[l.at] != '"' {
		c := l.src[l.at]
		switch {
		case c == '\\' && l.at+1 < len(l.src):
			if l.src[l.at+1] == '\n' {
				l.line++
			} else {
				l.add(l.src[l.at+1 : l.at+2])
			}
			l.at += 2
		case c == '`' || strings.HasPrefix(l.src[l.at:], "$("):
			l.substitution()
		default:
			if c == '\n' {
				l.line++
			}
			l.add(l.src[l.at : l.at+1])
			l.at++
		}
	}
	l.at = min(l.at+1, len(l.src))
}

func (l *lexer) braces() {
	end := strings.Index(l.src[l.at:], "}")
	if strings.HasPrefix(l.src[l.at:], "${{") {
		if e := strings.Index(l.src[l.at:], "}}"); e >= 0 {
			end = e + 1
		}
	}
	if end < 0 {
		end = len(l.src) - l.at - 1
	}
	l.add(l.src[l.at : l.at+end+1])
	l.at += end + 1
}

// substitution reads $(...), `...` or <(...): a script of its own, kept in the word as it stands.
func (l *lexer) substitution() {
	start := l.at
	var inner string
	if l.src[l.at] == '`' {
		end := strings.IndexByte(l.src[l.at+1:], '`')
		if end < 0 {
			end = len(l.src) - l.at - 1
		}
		inner = l.src[l.at+1 : l.at+1+end]
		l.at = min(l.at+end+2, len(l.src))
	} else {
		l.at += 2
		begin, open := l.at, 1
		for l.at < len(l.src) && open > 0 {
			switch l.src[l.at] {
			case '(':
				open++
			case ')':
				open--
			}
			l.at++
		}
		inner = l.src[begin:max(begin, l.at-1)]
	}
	outer := l.command()
	l.add(l.src[start:l.at])
	if l.depth < maxDepth {
		base := l.base
		base.line += l.line
		sub := &lexer{src: inner, base: base, within: outer, depth: l.depth + 1}
		sub.run()
		l.out = append(l.out, sub.out...)
	}
	l.line += strings.Count(inner, "\n")
}

// redirect reads <, >, >>, <<EOF, <<<word and <(...).
func (l *lexer) redirect() {
	rest := l.src[l.at:]
	if strings.HasPrefix(rest, "<(") {
		l.substitution()
		return
	}
	if l.inWord { // 2>file, &>file: the number belongs to the redirection
		if w := l.word.String(); len(w) == 1 && w[0] >= '0' && w[0] <= '9' {
			l.word.Reset()
			l.inWord = false
			if w == "2" {
				l.skipTarget()
				return
			}
		}
	}
	l.endWord()
	switch {
	case strings.HasPrefix(rest, "<<<"):
		l.at += 3
		l.command().input = l.target()
	case strings.HasPrefix(rest, "<<"):
		l.at += 2
		if l.at < len(l.src) && l.src[l.at] == '-' {
			l.at++
		}
		l.docs = append(l.docs, heredoc{end: strings.Trim(l.target(), `'"\`), of: l.command()})
	case rest[0] == '>':
		l.command().toFile = !strings.HasPrefix(rest, ">&")
		l.skipTarget()
	default:
		l.skipTarget()
	}
}

func (l *lexer) skipTarget() {
	for l.at < len(l.src) && strings.IndexByte("<>&|", l.src[l.at]) >= 0 {
		l.at++
	}
	l.target()
}

// target is the word after a redirection.
func (l *lexer) target() string {
	for l.at < len(l.src) && (l.src[l.at] == ' ' || l.src[l.at] == '\t') {
		l.at++
	}
	start := l.at
	if l.at < len(l.src) && (l.src[l.at] == '"' || l.src[l.at] == '\'') {
		quote := l.src[l.at]
		l.at++
		for l.at < len(l.src) && l.src[l.at] != quote {
			l.at++
		}
		l.at = min(l.at+1, len(l.src))
		return strings.Trim(l.src[start:l.at], `"'`)
	}
	for l.at < len(l.src) && strings.IndexByte(" \t\n;|&()", l.src[l.at]) < 0 {
		l.at++
	}
	return l.src[start:l.at]
}

// readDocs reads the here-documents that the line before announced.
func (l *lexer) readDocs() {
	for _, d := range l.docs {
		var body []string
		for l.at < len(l.src) {
			row, rest, found := strings.Cut(l.src[l.at:], "\n")
			l.at = len(l.src) - len(rest)
			if !found {
				l.at = len(l.src)
			}
			l.line++
			if strings.TrimSpace(row) == d.end {
				break
			}
			body = append(body, row)
		}
		d.of.input = strings.Join(body, "\n")
	}
	l.docs = nil
}
