package helm

import "github.com/fairlead-cd/fairlead/internal/model"

// refusedNext is the next step of a chart's own no. It survives the way out of a worker.
const refusedNext = "the chart refuses these values: change them"

// Refused reports whether an error is a chart's own no: it called fail or required. What is wrong
// then is the values, not the chart.
func Refused(e *model.Error) bool {
	return e != nil && e.Reason == "TemplateError" && e.Next == refusedNext
}
