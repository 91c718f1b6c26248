package releases

import (
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

var fleet = []View{
	{Kind: model.KindApplication, Namespace: "argocd", Name: "shop", TargetNamespace: "prod", Release: "shop"},
	{Kind: model.KindApplication, Namespace: "argocd", Name: "web-prod", TargetNamespace: "prod", Release: "web"},
	{Kind: model.KindHelmRelease, Namespace: "dev", Name: "web", TargetNamespace: "dev", Release: "dev-web"},
	{Kind: model.KindHelmRelease, Namespace: "stg", Name: "web", TargetNamespace: "stg", Release: "stg-web"},
	{Kind: model.KindHelmRelease, Namespace: "dev", Name: "app", TargetNamespace: "dev", Release: "dev-app"},
	{Kind: model.KindRoot, Name: "fleet", Release: "fleet"},
}

func TestFind(t *testing.T) {
	for _, tt := range []struct{ name, namespace, want string }{
		{"shop", "", "Application/argocd/shop"},
		{"dev/web", "", "HelmRelease/dev/web"},
		{"web", "dev", "HelmRelease/dev/web"},
		{"stg-web", "", "HelmRelease/stg/web"},             // Helm's name
		{"prod/shop", "", "Application/argocd/shop"},       // where it deploys to
		{"shop", "prod", "Application/argocd/shop"},        //
		{"prod/web", "", "Application/argocd/web-prod"},    // both
		{"helmrelease/dev-app", "", "HelmRelease/dev/app"}, // kind and Helm's name
		{"app/shop", "", "Application/argocd/shop"},        // app is short for Application
		{"hr/stg/web", "", "HelmRelease/stg/web"},          //
		{"HelmRelease/stg/web", "", "HelmRelease/stg/web"}, // as -o name prints it
		{"Root/fleet", "", "Root/fleet"},                   //
		{"app", "", "HelmRelease/dev/app"},                 // a name that is also a kind
	} {
		n, err := ParseName(tt.name, tt.namespace)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		v, err := Find(fleet, n)
		if err != nil {
			t.Errorf("%s -n %q: %v", tt.name, tt.namespace, err)
			continue
		}
		if got := v.ID().String(); got != tt.want {
			t.Errorf("%s -n %q is %s, want %s", tt.name, tt.namespace, got, tt.want)
		}
	}
}

func TestFindNot(t *testing.T) {
	for _, tt := range []struct{ name, namespace, msg, next string }{
		{"hr/web", "", "ambiguous: HelmRelease/dev/web, HelmRelease/stg/web", "in full"},
		{"wbe", "", `no release "wbe"`, "did you mean Application/argocd/web-prod, HelmRelease/dev/web"},
		{"sho", "", `no release "sho"`, "Application/argocd/shop"},
		{"zzzzzz", "", `no release "zzzzzz"`, "fairlead get"},
		{"web", "qa", `no release "web" in namespace "qa"`, "did you mean"},
		{"dev/shop", "", `no release "dev/shop"`, "Application/argocd/shop"},
	} {
		n, err := ParseName(tt.name, tt.namespace)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		_, err = Find(fleet, n)
		e, ok := err.(*model.Error)
		if !ok || !strings.Contains(e.Msg, tt.msg) || !strings.Contains(e.Next, tt.next) {
			t.Errorf("%s -n %q: %#v, want %q, next %q", tt.name, tt.namespace, err, tt.msg, tt.next)
		}
	}
}

func TestParseNameRefuses(t *testing.T) {
	for _, tt := range []struct{ name, namespace string }{
		{"", ""}, {"/web", ""}, {"dev/", ""}, {"a/b/c/d", ""}, {"Deployment/dev/web", ""}, {"hr/dev/web", "stg"},
	} {
		if _, err := ParseName(tt.name, tt.namespace); err == nil {
			t.Errorf("%q -n %q was taken", tt.name, tt.namespace)
		}
	}
}
