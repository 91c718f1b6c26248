package output

// The values of --color.
const (
	ColorAuto   = "auto"
	ColorAlways = "always"
	ColorNever  = "never"
)

// useColor is the order of who decides: flag, NO_COLOR, CLICOLOR_FORCE, CI, terminal.
func useColor(flag string, env Env, terminal bool) bool {
	switch {
	case flag == ColorAlways:
		return true
	case flag == ColorNever:
		return false
	case env.NoColor != "":
		return false
	case env.ForceColor != "" && env.ForceColor != "0":
		return true
	case env.InCI():
		return false
	}
	return terminal && env.Term != "dumb"
}

// Style is a meaning that has a colour.
type Style int

// The styles.
const (
	Plain Style = iota
	Good
	Busy
	Bad
	Quiet
	Strong
)

var sgr = map[Style]string{Good: "32", Busy: "33", Bad: "31", Quiet: "2", Strong: "1"}

// Paint adds colour to text, or does not. Its zero value does not.
type Paint struct{ on bool }

// On reports whether colours are used.
func (p Paint) On() bool { return p.on }

// Text is s in a style.
func (p Paint) Text(style Style, s string) string {
	code := sgr[style]
	if !p.on || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// StatusStyle is the style of a status word; the word itself always stays.
func StatusStyle(status string) Style {
	switch status {
	case "Healthy", "Synced", "Deployed", "deployed":
		return Good
	case "Progressing", "OutOfSync", "Held", "Suspended":
		return Busy
	case "Degraded", "Failed", "Missing", "failed":
		return Bad
	case "Unknown", "superseded":
		return Quiet
	}
	return Plain
}
