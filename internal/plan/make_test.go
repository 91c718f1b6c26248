package plan

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

var release = model.Release{
	ID: model.ReleaseID{Kind: model.KindHelmRelease, Namespace: "fleet", Name: "web"}, Name: "web", Namespace: "shop",
}

func object(apiVersion, kind, namespace, name string) model.Object {
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group, version = "", apiVersion
	}
	body := fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q}}`, apiVersion, kind, name)
	if namespace != "" {
		body = fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":%q}}`, apiVersion, kind, name, namespace)
	}
	return model.Object{
		Key: model.ObjectKey{Group: group, Kind: kind, Namespace: namespace, Name: name}, Version: version,
		Body: []byte(body), Digest: model.Digest([]byte(body)), Origin: model.Origin{File: "templates/" + name + ".yaml", Line: 3},
	}
}

func scope(_, _, kind string) (bool, error) {
	switch kind {
	case "Thing":
		return false, &model.Error{Kind: model.ErrInvalid, Reason: "UnknownKind", Msg: "the cluster has no kind Thing"}
	case "Namespace", "ClusterRole", "CustomResourceDefinition", "ClusterRoleBinding", "ValidatingWebhookConfiguration":
		return false, nil
	}
	return true, nil
}

func prepared(t *testing.T, objects ...model.Object) []model.Object {
	t.Helper()
	out, err := Prepare(release, objects, scope)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMake(t *testing.T) {
	config := prepared(t, object("v1", "ConfigMap", "", "a"))[0]
	label := release.ID.Label()
	live := model.Live{Key: config.Key, UID: "u1", Release: label, Fields: "f1"}
	owned := model.Owned{Key: config.Key, Version: "v1", Digest: config.Digest, Fields: "f1"}
	with := func(change func(*model.Live)) *model.Live {
		l := live
		change(&l)
		return &l
	}
	recorded := func(change func(*model.Owned)) *model.Owned {
		o := owned
		change(&o)
		return &o
	}
	for _, tc := range []struct {
		name   string
		gone   bool // not desired
		live   *model.Live
		owned  *model.Owned
		keep   bool // pruning is off
		repair bool
		action model.Action // empty: no change at all
		reason string
	}{
		{name: "new", action: model.ActionCreate},
		{name: "as it was", live: &live, owned: &owned, action: model.ActionUnchanged},
		{name: "changed", live: &live, owned: recorded(func(o *model.Owned) { o.Digest = "old" }), action: model.ActionUpdate},
		{name: "changed, in a repair", live: &live, owned: recorded(func(o *model.Owned) { o.Digest = "old" }), repair: true, action: model.ActionUnchanged},
		{name: "changed and drifted, in a repair", live: with(func(l *model.Live) { l.Fields = "f0" }), owned: recorded(func(o *model.Owned) { o.Digest = "old" }), repair: true, action: model.ActionRepair, reason: ReasonDrift},
		{name: "missing", owned: &owned, action: model.ActionRepair, reason: ReasonMissing},
		{name: "drifted", live: with(func(l *model.Live) { l.Fields = "f0" }), owned: &owned, action: model.ActionRepair, reason: ReasonDrift},
		{name: "wiped", live: with(func(l *model.Live) { l.Fields = "" }), owned: &owned, action: model.ActionRepair, reason: ReasonDrift},
		{name: "label off", live: with(func(l *model.Live) { l.Release = "" }), owned: &owned, action: model.ActionRepair, reason: ReasonDrift},
		{name: "being deleted", live: with(func(l *model.Live) { l.Deleting = true }), owned: recorded(func(o *model.Owned) { o.Digest = "old" }), action: model.ActionUnchanged, reason: ReasonTerminating},
		{name: "not recorded", live: &live, action: model.ActionAdopt, reason: ReasonUnrecorded},
		{name: "foreign", live: with(func(l *model.Live) { l.Release, l.Fields = "", "" }), action: model.ActionAdopt},
		{name: "of a record without digests", owned: recorded(func(o *model.Owned) { o.Digest, o.Fields = "", "" }), action: model.ActionAdopt},
		{name: "of another release", live: with(func(l *model.Live) { l.Release = "HelmRelease.x.y" }), action: model.ActionConflict, reason: "belongs to release HelmRelease/x/y"},

		{name: "obsolete", gone: true, live: &live, owned: &owned, action: model.ActionPrune, reason: ReasonObsolete},
		{name: "obsolete, pruning off", gone: true, keep: true, live: &live, owned: &owned, action: model.ActionUnchanged, reason: ReasonPruneOff},
		{name: "obsolete, kept", gone: true, live: with(func(l *model.Live) { l.Keep = true }), owned: &owned, action: model.ActionPrune, reason: ReasonKept},
		{name: "obsolete, not recorded", gone: true, live: &live, action: model.ActionPrune, reason: ReasonObsolete},
		{name: "obsolete, seen by no watch", gone: true, owned: &owned, action: model.ActionPrune, reason: ReasonObsolete},
		{name: "obsolete, of another release now", gone: true, live: with(func(l *model.Live) { l.Release = "HelmRelease.x.y" }), owned: &owned},
		{name: "label copied by a controller", gone: true, live: with(func(l *model.Live) { l.Fields = "" })},
		{name: "of another release", gone: true, live: with(func(l *model.Live) { l.Release = "HelmRelease.x.y" })},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := Input{Release: release, Live: map[model.ObjectKey]model.Live{}, Prune: !tc.keep, Repair: tc.repair}
			if !tc.gone {
				in.Desired = []model.Object{config}
			}
			if tc.live != nil {
				in.Live[config.Key] = *tc.live
			}
			if tc.owned != nil {
				in.Inventory = model.Inventory{*tc.owned}
			}
			p, err := Make(in)
			if err != nil {
				t.Fatal(err)
			}
			changes := p.Changes()
			if tc.action == "" {
				if len(changes) != 0 {
					t.Errorf("planned %+v, want nothing", changes)
				}
				return
			}
			if len(changes) != 1 {
				t.Fatalf("%d changes", len(changes))
			}
			if c := changes[0]; c.Action != tc.action || c.Reason != tc.reason {
				t.Errorf("%s (%s), want %s (%s)", c.Action, c.Reason, tc.action, tc.reason)
			}
			if p.Empty() != (tc.action == model.ActionUnchanged) {
				t.Errorf("the plan is empty: %v", p.Empty())
			}
		})
	}
}

func TestOrder(t *testing.T) {
	first := object("v1", "ConfigMap", "", "first")
	first.Wave = -1
	desired := prepared(t,
		object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "w"),
		object("apps/v1", "Deployment", "", "web"), object("example.com/v1", "Widget", "", "w"),
		object("v1", "Service", "", "web"), object("rbac.authorization.k8s.io/v1", "RoleBinding", "", "b"),
		object("rbac.authorization.k8s.io/v1", "Role", "", "r"), object("serving.knative.dev/v1", "Service", "", "k"),
		object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "c"), object("v1", "Namespace", "", "shop2"), first,
	)
	old := []model.Owned{
		{Key: model.ObjectKey{Kind: "Namespace", Name: "old"}, Version: "v1", Digest: "d"},
		{Key: model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "old"}, Version: "v1", Digest: "d"},
		{Key: model.ObjectKey{Kind: "ConfigMap", Namespace: "shop", Name: "old"}, Version: "v1", Digest: "d"},
	}
	p, err := Make(Input{Release: release, Desired: desired, Inventory: old, Prune: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, phase := range p.Phases {
		var words []string
		for _, c := range phase {
			words = append(words, string(c.Action)+" "+c.Key.Short())
		}
		got = append(got, strings.Join(words, ", "))
	}
	want := []string{
		"create ConfigMap/first",
		"create Namespace/shop2, create CustomResourceDefinition/c",
		"create Service/web, create Role/r",
		"create RoleBinding/b",
		"create Deployment/web, create Widget/w, create Service/k",
		"create ValidatingWebhookConfiguration/w",
		"prune Deployment/old",
		"prune ConfigMap/old",
		"prune Namespace/old",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	u := Uninstall(release, old, nil)
	if len(u.Phases) != 3 || u.Phases[0][0].Key.Kind != "Deployment" || u.Phases[2][0].Key.Kind != "Namespace" {
		t.Errorf("uninstall: %+v", u.Phases)
	}
}

func TestCreateNamespace(t *testing.T) {
	r := release
	r.CreateNamespace = true
	desired := prepared(t, object("v1", "ConfigMap", "", "a"))
	p, err := Make(Input{Release: r, Desired: desired})
	if err != nil {
		t.Fatal(err)
	}
	c := p.Phases[0][0]
	if c.Key.Short() != "Namespace/shop" || !c.Unowned || len(p.Phases) != 2 {
		t.Errorf("the first change is %+v", c)
	}
	if inv := Inventory(nil, []model.Result{{Change: c}}); len(inv) != 0 {
		t.Errorf("the namespace got into the inventory: %v", inv)
	}
	key := model.ObjectKey{Kind: "Namespace", Name: "shop"}
	if !slices.Contains(Keys(r, desired, nil), key) {
		t.Error("the namespace is not looked for")
	}
	p, err = Make(Input{Release: r, Desired: desired, Live: map[model.ObjectKey]model.Live{key: {Key: key}}})
	if err != nil || len(p.Changes()) != 1 {
		t.Errorf("with the namespace there: %v, %v", p.Changes(), err)
	}
}

func TestPrepare(t *testing.T) {
	o := object("v1", "ConfigMap", "", "a")
	o.Body = []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","uid":"x","creationTimestamp":null,"managedFields":[]},"data":{"n":"<&>"},"big":12345678901234567890}`)
	crd := object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "things.example.com")
	crd.Body = []byte(`{"metadata":{},"spec":{"group":"example.com","scope":"Namespaced","names":{"kind":"Thing"}}}`)
	got := prepared(t, o, object("v1", "Namespace", "wrong", "n"), crd, object("example.com/v1", "Thing", "", "t"))
	plain := `{"apiVersion":"v1","big":12345678901234567890,"data":{"n":"<&>"},"kind":"ConfigMap","metadata":{"labels":{"fairlead.dev/release":"HelmRelease.fleet.web"},"name":"a","namespace":"shop"}}`
	digest := model.Digest([]byte(plain))
	want := strings.Replace(plain, `"metadata":{`, `"metadata":{"annotations":{"fairlead.dev/applied":"`+digest[:16]+`"},`, 1)
	if string(got[0].Body) != want {
		t.Errorf("body\n%s\nwant\n%s", got[0].Body, want)
	}
	if got[0].Digest != digest || got[0].Key.Namespace != "shop" {
		t.Errorf("%+v", got[0])
	}
	if got[1].Key.Namespace != "" || strings.Contains(string(got[1].Body), "wrong") {
		t.Errorf("cluster-scoped: %s", got[1].Body)
	}
	if got[3].Key.Namespace != "shop" {
		t.Errorf("a kind that comes with the release: %+v", got[3].Key)
	}
	if strings.Contains(string(o.Body), "fairlead.dev") {
		t.Error("the object passed in was changed")
	}
}

func TestPrepareRefuses(t *testing.T) {
	nameless := object("v1", "ConfigMap", "", "")
	broken := object("v1", "ConfigMap", "", "broken")
	broken.Body = []byte(`[]`)
	_, err := Prepare(release, []model.Object{
		object("v1", "ConfigMap", "", "a"), object("v1", "ConfigMap", "shop", "a"), object("example.com/v1", "Thing", "", "t"), nameless, broken,
		object("v1", "ConfigMap", "", "../x"), object("v1", "ConfigMap", "..", "dots"),
	}, scope)
	for _, want := range []string{
		"templates/a.yaml:3: ConfigMap/a: appears twice, first in templates/a.yaml:3",
		"templates/t.yaml:3: Thing/t: the cluster has no kind Thing",
		"metadata.name is missing", "metadata.name may not contain '/'", "ConfigMap/dots: metadata.namespace may not be '..'", "templates/broken.yaml:3: ConfigMap/broken: is not valid JSON",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	var e *model.Error
	if !errors.As(err, &e) {
		t.Errorf("%T is no *model.Error", err)
	}
}

// TestInventoryOfAnything: one result after another changes what is owned, in whatever order they come.
func TestInventoryOfAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	key := func() model.ObjectKey {
		return model.ObjectKey{Kind: []string{"ConfigMap", "Secret"}[random.IntN(2)], Namespace: "shop", Name: fmt.Sprint(random.IntN(6))}
	}
	actions := []model.Action{
		model.ActionCreate, model.ActionUpdate, model.ActionRepair, model.ActionAdopt, model.ActionUnchanged, model.ActionPrune, model.ActionConflict,
	}
	for range 2000 {
		var prev model.Inventory
		want := map[model.ObjectKey]model.Owned{}
		for range random.IntN(6) {
			prev = append(prev, model.Owned{Key: key(), Version: "v1", Digest: fmt.Sprint(random.IntN(9))})
			want[prev[len(prev)-1].Key] = prev[len(prev)-1]
		}
		var results []model.Result
		for range random.IntN(6) {
			k := key()
			r := model.Result{Fields: fmt.Sprint(random.IntN(9)), Skipped: random.IntN(6) == 0, Change: model.Change{
				Action: actions[random.IntN(len(actions))], Key: k, Version: "v1", Unowned: random.IntN(6) == 0,
				Desired: &model.Object{Key: k, Digest: fmt.Sprint(random.IntN(9)), Lasting: random.IntN(4) == 0},
			}}
			results = append(results, r)
			o, owned := want[k]
			switch c := r.Change; {
			case r.Skipped || c.Action == model.ActionConflict || c.Unowned && c.Action != model.ActionPrune:
			case c.Action == model.ActionPrune:
				delete(want, k)
			case c.Action != model.ActionUnchanged:
				want[k] = model.Owned{Key: k, Version: "v1", Digest: c.Desired.Digest, Fields: r.Fields, Stays: stays(c.Desired)}
			case owned:
				o.Stays = stays(c.Desired)
				want[k] = o
			}
		}
		sorted := slices.SortedFunc(maps.Values(want), func(a, b model.Owned) int { return a.Key.Compare(b.Key) })
		if got := Inventory(prev, results); got == nil || !slices.Equal(got, sorted) {
			t.Fatalf("%v after %v: got %v, want %v", prev, results, got, sorted)
		}
	}
}

func TestInventory(t *testing.T) {
	key := func(n string) model.ObjectKey { return model.ObjectKey{Kind: "ConfigMap", Namespace: "shop", Name: n} }
	prev := model.Inventory{{Key: key("failed"), Digest: "1"}, {Key: key("pruned")}, {Key: key("stuck"), Digest: "1"}, {Key: key("same"), Digest: "1"}, {Key: key("skipped"), Digest: "1"}}
	result := func(n string, a model.Action, change func(*model.Result)) model.Result {
		r := model.Result{Change: model.Change{Action: a, Key: key(n), Version: "v1", Desired: &model.Object{Digest: "2"}}, Fields: "f"}
		if change != nil {
			change(&r)
		}
		return r
	}
	fail := func(r *model.Result) { r.Err = errors.New("no") }
	got := Inventory(prev, []model.Result{
		result("failed", model.ActionUpdate, fail), result("new", model.ActionCreate, nil), result("same", model.ActionUnchanged, nil),
		result("skipped", model.ActionUpdate, func(r *model.Result) { r.Skipped = true }),
		result("pruned", model.ActionPrune, nil), result("stuck", model.ActionPrune, fail),
	})
	want := model.Inventory{
		{Key: key("failed"), Digest: "1"}, {Key: key("new"), Version: "v1", Digest: "2", Fields: "f"},
		{Key: key("same"), Digest: "1"}, {Key: key("skipped"), Digest: "1"}, {Key: key("stuck"), Digest: "1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestInventoryStays: the record says what becomes of definitions, and of what a crds/ folder has.
func TestInventoryStays(t *testing.T) {
	crd := model.ObjectKey{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "widgets.example.com"}
	cm := model.ObjectKey{Kind: "ConfigMap", Name: "web"}
	for name, test := range map[string]struct {
		key     model.ObjectKey
		lasting bool
		action  model.Action
		want    model.Stays
	}{
		"definition of the folder":    {crd, true, model.ActionCreate, model.StaysAlways},
		"definition of the templates": {crd, false, model.ActionUpdate, model.StaysNever},
		"moved there, unchanged":      {crd, true, model.ActionUnchanged, model.StaysAlways},
		"object of the folder":        {cm, true, model.ActionAdopt, model.StaysAlways},
		"ordinary":                    {cm, false, model.ActionCreate, ""},
	} {
		t.Run(name, func(t *testing.T) {
			desired := &model.Object{Key: test.key, Digest: "1", Lasting: test.lasting}
			inv := Inventory(model.Inventory{{Key: test.key, Digest: "1"}}, []model.Result{{
				Change: model.Change{Action: test.action, Key: test.key, Desired: desired},
			}})
			if len(inv) != 1 || inv[0].Stays != test.want {
				t.Errorf("got %+v, want %q", inv, test.want)
			}
		})
	}
}
