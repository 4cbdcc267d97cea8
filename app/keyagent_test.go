package app

import (
	"errors"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/agent"
)

func TestTheKeyAgentDoesWhatTheEnvironmentSays(t *testing.T) {
	for name, test := range map[string]struct {
		says      string
		otherwise agentMode
		want      agentMode
	}{
		"a window serves":             {"", agentServe, agentServe},
		"a command uses the card":     {"", agentOff, agentOff},
		"a command may use the agent": {"use", agentOff, agentUse},
		"a window may be told not to": {"off", agentServe, agentOff},
	} {
		k, err := newKeyAgent(func(variable string) string {
			if variable == keyAgentVariable {
				return test.says
			}
			return ""
		}, test.otherwise)
		if err != nil || k.mode != test.want {
			t.Errorf("%s: %s, %v, want %s", name, k.mode, err, test.want)
		}
	}
	_, err := newKeyAgent(func(string) string { return "perhaps" }, agentOff)
	if err == nil || !strings.Contains(err.Error(), "Set it to serve, use or off.") {
		t.Errorf("an unknown word gives %v", err)
	}
}

func TestNobodyIsAskedWhereNoAgentIsWanted(t *testing.T) {
	serving := &keyAgent{mode: agentServe}
	serving.serving.Store(true)
	for name, k := range map[string]*keyAgent{"it is off": {mode: agentOff}, "it is this process": serving} {
		if _, err := k.Sign(t.Context(), keystore.AgentRequest{}); !errors.Is(err, agent.ErrNoAgent) {
			t.Errorf("%s: %v", name, err)
		}
		if err := k.Close(); err != nil {
			t.Errorf("%s: closing gives %v", name, err)
		}
	}
}
