package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/fairlead-cd/fairlead/internal/output"
)

// SarifRule is a rule that issues name in their Check.
type SarifRule struct {
	ID, Text string
}

// WriteSarif writes issues as SARIF 2.1.0, which GitHub's code scanning reads.
func WriteSarif(w io.Writer, tool, version string, rules []SarifRule, issues []Issue) error {
	type object = map[string]any
	ruleList := make([]object, 0, len(rules))
	for _, r := range rules {
		ruleList = append(ruleList, object{"id": r.ID, "shortDescription": object{"text": output.Clean(r.Text)}})
	}
	results := make([]object, 0, len(issues))
	for _, i := range issues {
		results = append(results, object{
			"ruleId": i.Check, "level": sarifLevel(i.Severity),
			"message":             object{"text": output.Clean(i.Message)},
			"partialFingerprints": object{"fairlead/v1": i.Fingerprint},
			"locations": []object{{"physicalLocation": object{
				"artifactLocation": object{"uri": i.File, "uriBaseId": "%SRCROOT%"},
				"region":           object{"startLine": max(i.Line, 1)},
			}}},
		})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{
			"tool":    object{"driver": object{"name": tool, "version": version, "rules": ruleList}},
			"results": results,
		}},
	})
	if err != nil {
		return fmt.Errorf("writing SARIF: %w", err)
	}
	return nil
}

func sarifLevel(severity string) string {
	switch severity {
	case SeverityInfo:
		return "note"
	case SeverityMinor, SeverityMajor:
		return "warning"
	}
	return "error"
}
