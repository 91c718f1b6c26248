package output

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": -time.Second, "38s": 38*time.Second + 999*time.Millisecond, "119s": 119 * time.Second,
		"5m10s": 310 * time.Second, "5m": 300 * time.Second, "42m": 42*time.Minute + time.Second,
		"3h5m": 185 * time.Minute, "11h": 11*time.Hour + time.Minute, "2d2h": 50 * time.Hour,
		"47d": 47*24*time.Hour + time.Hour, "2y1d": (2*365+1)*24*time.Hour + time.Hour,
	} {
		if got := Age(d); got != want {
			t.Errorf("Age(%s) = %q, want %q", d, got, want)
		}
	}
}
