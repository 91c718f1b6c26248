package output

import (
	"strconv"
	"time"
)

// Age is a duration as kubectl writes it, two units at most: "38s", "5m10s", "3h5m", "7d2h", "47d".
func Age(d time.Duration) string {
	unit := func(n int, s string) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n) + s
	}
	s := int(d / time.Second)
	m, h, days := s/60, s/3600, s/86400
	switch {
	case s <= 0:
		return "0s"
	case s < 120:
		return strconv.Itoa(s) + "s"
	case m < 10:
		return unit(m, "m") + unit(s%60, "s")
	case h < 3:
		return unit(m, "m")
	case h < 8:
		return unit(h, "h") + unit(m%60, "m")
	case days < 2:
		return unit(h, "h")
	case days < 8:
		return unit(days, "d") + unit(h%24, "h")
	case days < 2*365:
		return unit(days, "d")
	}
	return unit(days/365, "y") + unit(days%365, "d")
}
