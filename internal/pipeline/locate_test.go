package pipeline

import (
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestLocator(t *testing.T) {
	set := func(form model.SetForm, first, arg string) model.ValuesLayer {
		return model.ValuesLayer{Origin: "--" + string(form) + " " + first, Set: &model.Parameter{Value: arg, Form: form}}
	}
	secret := set(model.FormSet, "password", "password=nope")
	secret.Sensitive = true
	for name, tt := range map[string]struct {
		layers []model.ValuesLayer
		want   string
	}{
		"nowhere":          {[]model.ValuesLayer{set(model.FormSet, "tag", "tag=1")}, ""},
		"a file":           {[]model.ValuesLayer{{Origin: "prod.yaml", YAML: []byte("tag: nope")}}, "prod.yaml"},
		"the last wins":    {[]model.ValuesLayer{{Origin: "prod.yaml", YAML: []byte("tag: nope")}, set(model.FormSet, "tag", "tag=nope")}, "--set tag"},
		"the second":       {[]model.ValuesLayer{set(model.FormSet, "message", "message=hello,image.tag=nope")}, "--set image.tag"},
		"the first":        {[]model.ValuesLayer{set(model.FormString, "image.tag", "image.tag=nope,message=hello")}, "--set-string image.tag"},
		"the same, within": {[]model.ValuesLayer{set(model.FormSet, "a", "a=nope,b=say nope")}, "--set a"},
		"within, the same": {[]model.ValuesLayer{set(model.FormSet, "b", "b=say nope,a=nope")}, "--set a"},
		"a list":           {[]model.ValuesLayer{set(model.FormSet, "a", "a=1,tags={x,nope}")}, "--set tags"},
		"an escaped comma": {[]model.ValuesLayer{set(model.FormSet, "a", `a=1,b=x\,nope`)}, "--set b"},
		"a literal":        {[]model.ValuesLayer{set(model.FormLiteral, "a", "a=1,b=nope")}, "--set-literal a"},
		"a secret":         {[]model.ValuesLayer{secret}, ""},
	} {
		if got, _ := locator(model.Release{Values: tt.layers})("nope"); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
