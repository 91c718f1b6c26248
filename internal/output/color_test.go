package output

import "testing"

// The order of who decides: flag, NO_COLOR, CLICOLOR_FORCE, CI, terminal.
func TestUseColor(t *testing.T) {
	for name, tt := range map[string]struct {
		flag     string
		env      Env
		terminal bool
		want     bool
	}{
		"terminal":                       {ColorAuto, Env{}, true, true},
		"no terminal":                    {ColorAuto, Env{}, false, false},
		"always wins over NO_COLOR":      {ColorAlways, Env{NoColor: "1"}, false, true},
		"never wins over CLICOLOR_FORCE": {ColorNever, Env{ForceColor: "1"}, true, false},
		"NO_COLOR wins over force":       {ColorAuto, Env{NoColor: "1", ForceColor: "1"}, true, false},
		"force wins over CI":             {ColorAuto, Env{ForceColor: "1", CI: "true"}, false, true},
		"force 0 forces nothing":         {ColorAuto, Env{ForceColor: "0"}, false, false},
		"CI wins over terminal":          {ColorAuto, Env{CI: "true"}, true, false},
		"CI=false is no CI":              {ColorAuto, Env{CI: "false"}, true, true},
		"dumb terminal":                  {ColorAuto, Env{Term: "dumb"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := useColor(tt.flag, tt.env, tt.terminal); got != tt.want {
				t.Errorf("useColor(%q, %+v, %t) = %t, want %t", tt.flag, tt.env, tt.terminal, got, tt.want)
			}
		})
	}
}

func TestPaintKeepsTheWord(t *testing.T) {
	if got := (Paint{on: true}).Text(Bad, "Failed"); got != "\x1b[31mFailed\x1b[0m" {
		t.Errorf("painted: %q", got)
	}
	if got := (Paint{}).Text(Bad, "Failed"); got != "Failed" {
		t.Errorf("not painted: %q", got)
	}
}

func TestSetColorRefusesOtherWords(t *testing.T) {
	s := NewBuffers(nil, nil, Env{})
	if err := s.SetColor("sometimes"); err == nil {
		t.Error("--color sometimes was taken")
	}
}
