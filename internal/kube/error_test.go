package kube

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestPolicyDenies: what a ValidatingAdmissionPolicy says is about no field, and is a denial.
func TestPolicyDenies(t *testing.T) {
	const says = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: three at most"
	s := metav1.Status{Reason: metav1.StatusReasonInvalid, Code: 422, Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Message: says}}}}
	e := &model.Error{}
	classifyInvalid(e, s)
	if e.Msg != says || e.Kind != model.ErrDenied || e.Reason != ReasonAdmissionDenied {
		t.Errorf("%+v", e)
	}
}
