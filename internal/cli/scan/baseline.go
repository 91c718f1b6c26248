package scan

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const maxBaseline = 64 << 20

// loadBaseline reads the fingerprints of what was found before: a document of -o json, or gitleaks'
// own report. Of that report, which holds secrets, nothing else is kept.
func loadBaseline(file string) (map[string]bool, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading the baseline: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBaseline))
	if err != nil {
		return nil, fmt.Errorf("reading the baseline: %w", err)
	}
	type item struct {
		Fingerprint string // in any case: "fingerprint" here, "Fingerprint" of gitleaks
	}
	var doc struct{ Findings []item }
	var list []item
	if json.Unmarshal(data, &doc) != nil || doc.Findings == nil {
		// Not wrapped: an error of the parser could quote the file, which may hold secrets.
		if json.Unmarshal(data, &list) != nil {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidBaseline", File: file,
				Msg: "this is no baseline", Next: "write one: fairlead scan -o json > " + file}
		}
	}
	out := map[string]bool{}
	for _, i := range append(doc.Findings, list...) {
		out[i.Fingerprint] = true
	}
	return out, nil
}
