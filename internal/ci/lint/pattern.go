package lint

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first used: most runs of the program look
// at no pipeline.
type pattern struct {
	expr string
	once sync.Once
	re   *regexp.Regexp
}

func (p *pattern) get() *regexp.Regexp {
	p.once.Do(func() { p.re = regexp.MustCompile(p.expr) })
	return p.re
}

// These are regexp.Regexp's.
func (p *pattern) MatchString(s string) bool            { return p.get().MatchString(s) }
func (p *pattern) FindStringIndex(s string) []int       { return p.get().FindStringIndex(s) }
func (p *pattern) FindIndex(b []byte) []int             { return p.get().FindIndex(b) }
func (p *pattern) FindStringSubmatch(s string) []string { return p.get().FindStringSubmatch(s) }
func (p *pattern) FindAllString(s string, n int) []string {
	return p.get().FindAllString(s, n)
}
func (p *pattern) FindAllStringSubmatch(s string, n int) [][]string {
	return p.get().FindAllStringSubmatch(s, n)
}
func (p *pattern) ReplaceAllStringFunc(s string, repl func(string) string) string {
	return p.get().ReplaceAllStringFunc(s, repl)
}
