package pattern

import (
	"regexp"
	"sync"
)

// Regexp is a regular expression. It is safe for concurrent use.
type Regexp struct {
	expr string
	once sync.Once
	re   *regexp.Regexp
}

// New makes an expression, without looking at it. It stays as small as this so that the compiler lays
// out a package's expressions instead of writing code that makes them at the program's start.
func New(expr string) *Regexp { return &Regexp{expr: expr} }

func (p *Regexp) get() *regexp.Regexp {
	p.once.Do(func() { p.re = regexp.MustCompile(p.expr) })
	return p.re
}

// These are the methods of package regexp.

func (p *Regexp) Match(b []byte) bool                    { return p.get().Match(b) }
func (p *Regexp) MatchString(s string) bool              { return p.get().MatchString(s) }
func (p *Regexp) FindIndex(b []byte) []int               { return p.get().FindIndex(b) }
func (p *Regexp) FindAllIndex(b []byte, n int) [][]int   { return p.get().FindAllIndex(b, n) }
func (p *Regexp) FindString(s string) string             { return p.get().FindString(s) }
func (p *Regexp) FindStringIndex(s string) []int         { return p.get().FindStringIndex(s) }
func (p *Regexp) FindStringSubmatch(s string) []string   { return p.get().FindStringSubmatch(s) }
func (p *Regexp) FindStringSubmatchIndex(s string) []int { return p.get().FindStringSubmatchIndex(s) }
func (p *Regexp) FindAllString(s string, n int) []string { return p.get().FindAllString(s, n) }
func (p *Regexp) ReplaceAllString(s, repl string) string { return p.get().ReplaceAllString(s, repl) }
func (p *Regexp) Split(s string, n int) []string         { return p.get().Split(s, n) }

func (p *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return p.get().FindAllStringSubmatch(s, n)
}
func (p *Regexp) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return p.get().FindAllStringSubmatchIndex(s, n)
}
func (p *Regexp) ReplaceAllStringFunc(s string, repl func(string) string) string {
	return p.get().ReplaceAllStringFunc(s, repl)
}
