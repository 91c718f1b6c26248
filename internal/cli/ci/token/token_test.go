package token

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/ci/idtoken"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
)

// {"aud":"dev","exp":4102444800}, unsigned.
const jobToken = "e30.eyJhdWQiOiJkZXYiLCJleHAiOjQxMDI0NDQ4MDB9.c2ln"

func TestToken(t *testing.T) {
	env := map[string]string{idtoken.DefaultVariable: jobToken}
	run := func(args ...string) (*clitest.Kept, error) {
		k := clitest.Keep()
		cmd := NewCmdToken(k.Factory(), func(name string) string { return env[name] }, nil)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(args)
		return k, cmd.ExecuteContext(t.Context())
	}
	// A person, or a line of a job's script, gets none.
	k, err := run("--audience", "dev")
	if cli.ExitCode(err) != cli.ExitError || strings.Contains(k.Out.String()+err.Error(), jobToken) {
		t.Errorf("exit code %d: %v, %s", cli.ExitCode(err), err, k.Out.String())
	}
	env[execInfo] = "{}"
	if k, err = run("--audience", "dev"); err != nil {
		t.Fatal(err)
	}
	var got struct {
		APIVersion, Kind string
		Status           struct{ Token, ExpirationTimestamp string }
	}
	if err := json.Unmarshal(k.Out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.APIVersion != "client.authentication.k8s.io/v1" || got.Kind != "ExecCredential" || got.Status.Token != jobToken {
		t.Errorf("%s %s", got.APIVersion, got.Kind)
	}
	if got.Status.ExpirationTimestamp != "2099-12-31T23:59:30Z" {
		t.Errorf("it is asked for anew at %s", got.Status.ExpirationTimestamp)
	}
	if _, err = run("--audience", "prod"); cli.ExitCode(err) != cli.ExitDenied {
		t.Errorf("exit code %d for another audience: %v", cli.ExitCode(err), err)
	}
}
