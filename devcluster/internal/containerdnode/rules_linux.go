package containerdnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// guardChain drops, at the last moment before a packet leaves by an interface, what
// concerns pods or Services and would leave by another than theirs.
const guardChain = "FAIRLEAD-GUARD"

// forwardChain lets pods talk to each other, whatever the machine's policy, and refuses
// what they send elsewhere at once instead of letting them wait.
const forwardChain = "FAIRLEAD-FORWARD"

// rulesTimeout bounds one call of iptables, which may wait for its lock.
const rulesTimeout = 20 * time.Second

// guardRules is what iptables-restore reads.
func guardRules(a addresses) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("*mangle")
	line(":%s - [0:0]", guardChain)
	for _, device := range []string{podBridge, guardBridge, "lo"} {
		line("-A %s -o %s -j RETURN", guardChain, device)
	}
	line("-A %s -s %s -j DROP", guardChain, a.pods)
	line("-A %s -d %s -j DROP", guardChain, a.pods)
	line("-A %s -d %s -j DROP", guardChain, a.services)
	// A Service whose endpoints are written by hand may point anywhere.
	line("-A %s -m conntrack --ctorigdst %s -j DROP", guardChain, a.services)
	line("-I POSTROUTING 1 -j %s", guardChain)
	line("COMMIT")
	line("*filter")
	line(":%s - [0:0]", forwardChain)
	line("-A %s -i %s -o %s -j ACCEPT", forwardChain, podBridge, podBridge)
	line("-A %s -i %s -j REJECT --reject-with icmp-net-prohibited", forwardChain, podBridge)
	line("-A %s -o %s -j REJECT --reject-with icmp-net-prohibited", forwardChain, podBridge)
	line("-I FORWARD 1 -j %s", forwardChain)
	line("COMMIT")
	return b.String()
}

func addRules(a addresses) error {
	if _, err := runTool(guardRules(a), "iptables-restore", "--wait", "10", "--noflush"); err != nil {
		return fmt.Errorf("guarding the network: %w", err)
	}
	return nil
}

// foreignRules reports whether another kubelet or kube-proxy has rules on this machine
// that are not left over from a node of ours.
func foreignRules() bool {
	if left, _ := readNote(); left != nil {
		return false
	}
	out, err := runTool("", "iptables-save", "-t", "nat")
	return err == nil && strings.Contains(out, ":KUBE-")
}

// removeRules removes our chains and those of kubelet and kube-proxy, and what jumps to
// them, from all tables, for both versions of IP.
func removeRules() error {
	var errs []error
	for _, family := range []string{"iptables", "ip6tables"} {
		if _, err := lookPath(family + "-save"); err != nil {
			continue
		}
		saved, err := runTool("", family+"-save")
		if err != nil {
			if family == "ip6tables" {
				continue // a kernel without IPv6
			}
			errs = append(errs, fmt.Errorf("reading rules: %w", err))
			continue
		}
		script := removalScript(saved)
		if script == "" {
			continue
		}
		if _, err := runTool(script, family+"-restore", "--wait", "10", "--noflush"); err != nil {
			errs = append(errs, fmt.Errorf("removing rules: %w", err))
		}
	}
	return errors.Join(errs...)
}

// removalScript turns what iptables-save printed into what removes our part of it.
func removalScript(saved string) string {
	var out, jumps, chains []string
	for line := range strings.SplitSeq(saved, "\n") {
		switch {
		case strings.HasPrefix(line, "*"):
			out = append(out, line)
			jumps, chains = nil, nil
		case strings.HasPrefix(line, ":"):
			if name, _, _ := strings.Cut(line[1:], " "); ours(name) {
				chains = append(chains, name)
			}
		case strings.HasPrefix(line, "-A "):
			words := strings.Fields(line)
			if !ours(words[1]) && jumpsToOurs(words) {
				jumps = append(jumps, "-D"+line[2:])
			}
		case line == "COMMIT":
			if len(chains) == 0 {
				out = out[:len(out)-1]
				continue
			}
			out = append(out, jumps...)
			for _, flag := range []string{"-F ", "-X "} {
				for _, c := range chains {
					out = append(out, flag+c)
				}
			}
			out = append(out, "COMMIT")
		}
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, "\n") + "\n"
}

func ours(chain string) bool {
	return strings.HasPrefix(chain, "KUBE-") || chain == guardChain || chain == forwardChain
}

func jumpsToOurs(rule []string) bool {
	for i, word := range rule[:len(rule)-1] {
		if (word == "-j" || word == "-g") && ours(rule[i+1]) {
			return true
		}
	}
	return false
}

// runTool runs one of the machine's programs and returns what it prints.
func runTool(stdin, program string, args ...string) (string, error) {
	path, err := lookPath(program)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), rulesTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = childEnv()
	cmd.Stdin = strings.NewReader(stdin)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("running %s: %w: %s", program, err, strings.TrimSpace(stderr.String()))
	}
	return out.String(), nil
}
