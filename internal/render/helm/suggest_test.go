package helm

import "testing"

func TestSuggestion(t *testing.T) {
	const schema = `{
		"properties": {"image": {"$ref": "#/definitions/a~1b c"}, "replicaCount": {}},
		"definitions": {"a/b c": {"properties": {"repository": {}, "tag": {}, "pullPolicy": {}}}},
		"allOf": [{"properties": {"ingress": {}}}]
	}`
	for _, tt := range []struct{ location, unknown, want string }{
		{"file:///values.schema.json#/definitions/a~1b%20c", "repoistory", " (did you mean 'repository'?)"},
		{"file:///values.schema.json#/definitions/a~1b%20c", "pullpolicy", " (did you mean 'pullPolicy'?)"},
		{"file:///values.schema.json#/definitions/a~1b%20c", "entrypoint", ""},
		{"file:///values.schema.json", "replicacount", " (did you mean 'replicaCount'?)"},
		{"file:///values.schema.json#", "replicas", ""},
		{"file:///values.schema.json#/allOf/0", "ingres", " (did you mean 'ingress'?)"},
		{"file:///values.schema.json#/allOf/7", "ingres", ""},
		{"urn:other#/no/such/place", "tga", ""},
		{"file:///values.schema.json#/definitions/a~1b%20c", "tga", " (did you mean 'tag'?)"},
	} {
		if got := suggestion(parsed([]byte(schema)), tt.location, []string{tt.unknown}); got != tt.want {
			t.Errorf("%s at %s: %q, want %q", tt.unknown, tt.location, got, tt.want)
		}
	}
}

// TestSuggestions are several unknown names at once: each is told which one is meant for it.
func TestSuggestions(t *testing.T) {
	schema := parsed([]byte(`{"properties": {"image": {}, "replicaCount": {}, "serviceAccount": {}}}`))
	if got := nearest("replicaCount", []string{"serviceAccount"}); got != "" {
		t.Errorf("replicaCount is near %s", got)
	}
	got := suggestion(schema, "file:///values.schema.json", []string{"imgae", "nodeName", "replicaCuont"})
	if want := " (did you mean 'image' for 'imgae', 'replicaCount' for 'replicaCuont'?)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
