package diff

import "slices"

// line is one line of a text that changed.
type line struct {
	sign rune // '+', '-' or ' '
	text string
}

const (
	around   = 2    // unchanged lines shown around a change
	maxLines = 2000 // of both sides: a longer text is not compared line by line
)

// compare tells which lines of two texts differ, by their longest common subsequence, with a few
// unchanged lines around each change. What is left out between changes is one line "…".
func compare(old, cur []string) []line {
	all := script(old, cur)
	keep := make([]bool, len(all))
	for i, l := range all {
		if l.sign == ' ' {
			continue
		}
		for j := max(0, i-around); j <= min(len(all)-1, i+around); j++ {
			keep[j] = true
		}
	}
	var out []line
	for i, l := range all {
		switch {
		case keep[i]:
			out = append(out, l)
		case i > 0 && keep[i-1] && slices.Contains(keep[i:], true):
			out = append(out, line{' ', "…"})
		}
	}
	return out
}

// script is every line of both texts, in order.
func script(old, cur []string) []line {
	if len(old)+len(cur) > maxLines {
		var out []line
		for _, t := range old {
			out = append(out, line{'-', t})
		}
		for _, t := range cur {
			out = append(out, line{'+', t})
		}
		return out
	}
	// common[i][j] is the length of the longest common subsequence of old[i:] and cur[j:].
	common := make([][]int, len(old)+1)
	for i := range common {
		common[i] = make([]int, len(cur)+1)
	}
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(cur) - 1; j >= 0; j-- {
			if old[i] == cur[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []line
	i, j := 0, 0
	for i < len(old) || j < len(cur) {
		switch {
		case i < len(old) && j < len(cur) && old[i] == cur[j]:
			out = append(out, line{' ', old[i]})
			i, j = i+1, j+1
		case j == len(cur) || i < len(old) && common[i+1][j] >= common[i][j+1]:
			out = append(out, line{'-', old[i]})
			i++
		default:
			out = append(out, line{'+', cur[j]})
			j++
		}
	}
	return out
}
