package health

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// pullTrouble is why an image could not be had.
type pullTrouble int

const (
	pullUnknown pullTrouble = iota
	pullNotFound
	pullUnauthorized
	pullUnreachable
	pullRateLimited
	pullCertificate
	pullPlatform
	pullBadName
	pullNever
)

// pullAnswers maps what containerd and the kubelet write to what it means, in order of precedence:
// the "not found" that ends many messages says less than what stands before it.
var pullAnswers = []struct {
	trouble pullTrouble
	pattern *pattern.Regexp
}{
	{pullBadName, pattern.New(`(?i)couldn't parse image|invalid reference format|InvalidImageName|repository name must be lowercase`)},
	{pullNever, pattern.New(`(?i)pull policy of Never|ErrImageNeverPull`)},
	{pullPlatform, pattern.New(`(?i)no match for platform`)},
	{pullRateLimited, pattern.New(`(?i)toomanyrequests|429 Too Many|pull rate limit`)},
	{pullCertificate, pattern.New(`(?i)x509:|certificate signed by unknown|HTTP response to HTTPS client`)},
	{pullUnreachable, pattern.New(`(?i)no such host|i/o timeout|connection refused|connection reset|network is unreachable|no route to host|TLS handshake timeout|context deadline exceeded|Client\.Timeout|server misbehaving|50[0234] |unexpected EOF`)},
	{pullUnauthorized, pattern.New(`(?i)unauthorized|denied|insufficient_scope|401|403 Forbidden|failed to authorize|authentication required|no basic auth`)},
	{pullNotFound, pattern.New(`(?i)not ?found|manifest unknown|name unknown|404`)},
}

func classifyPull(message string) pullTrouble {
	for _, a := range pullAnswers {
		if a.pattern.MatchString(message) {
			return a.trouble
		}
	}
	return pullUnknown
}

// pull names the image and what its registry answered.
func (d *diagnosis) pull(ctx context.Context, c *container) (*finding, error) {
	reason, image := c.waiting(), c.spec.Image
	message, attempts, err := d.pullMessage(ctx, c)
	if err != nil {
		return nil, err
	}
	// The image's name is left out: its digits and words are not the registry's answer.
	trouble := classifyPull(reason + " " + strings.ReplaceAll(message, image, ""))
	if reason == "InvalidImageName" {
		trouble = pullBadName
	}
	f := &finding{reason: reason}
	f.add(model.RoleObject, podKey(c.pod), "%s: %s", c.label(), reason)
	if message != "" {
		f.add(model.RoleEvent, podKey(c.pod), "%s", message)
	}
	secret, held, err := d.pullSecret(ctx, c.pod)
	if err != nil {
		return nil, err
	}
	host := registryHost(image)
	switch trouble {
	case pullNotFound:
		f.add(model.RoleCause, podKey(c.pod), "image %s: not found in %s", image, host)
		f.final, f.next = true, "push the image, or correct its name or tag"
	case pullUnauthorized:
		f.add(model.RoleCause, podKey(c.pod), "image %s: %s refuses access, %s", image, host, secret)
		f.final = !held
		f.next = "check that the image exists and give the pod a pull secret that may read it"
	case pullBadName:
		f.add(model.RoleCause, podKey(c.pod), "image %q is not a valid image name", image)
		f.final, f.next = true, "correct the image's name or tag"
	case pullPlatform:
		f.add(model.RoleCause, podKey(c.pod), "image %s has no variant for the node's platform", image)
		f.final, f.next = true, "build the image for the node's platform too"
	case pullNever:
		f.add(model.RoleCause, podKey(c.pod), "image %s is not on the node, and imagePullPolicy is Never", image)
		f.final, f.next = true, "load the image onto the node, or let it be pulled"
	default:
		f.add(model.RoleCause, podKey(c.pod), "image %s: %s", image, pullText(trouble, host, message))
		f.final = attempts >= d.o.Rules.PullRetries
		f.next = "check the way from the node to " + host
		if trouble == pullCertificate {
			f.next = "make the node trust the certificate of " + host
		}
	}
	if trouble == pullNotFound || trouble == pullBadName {
		d.located(f, image, tagOf(image))
	}
	return f, nil
}

func pullText(trouble pullTrouble, host, message string) string {
	switch trouble {
	case pullUnreachable:
		return host + " cannot be reached" + lastPart(message)
	case pullRateLimited:
		return host + " limits how often it is asked (429)"
	case pullCertificate:
		return "the certificate of " + host + " is not trusted"
	}
	if message == "" {
		return "cannot be pulled"
	}
	return "cannot be pulled: " + message
}

// lastPart is the end of a chain of wrapped errors, where the network's own words are.
func lastPart(message string) string {
	for _, mark := range []string{"dial tcp", "Get \"", "read tcp", "Head \""} {
		if i := strings.LastIndex(message, mark); i >= 0 {
			return ": " + clip(strings.TrimRight(message[i:], `" `), 160)
		}
	}
	return ""
}

// pullMessage is the registry's answer and how often it was asked. The kubelet puts it into the
// waiting message of ErrImagePull, and since 1.32 of ImagePullBackOff; before that only the event
// has it.
func (d *diagnosis) pullMessage(ctx context.Context, c *container) (string, int32, error) {
	events, err := d.warnings(ctx, podKey(c.pod), c.pod.UID)
	if err != nil {
		return "", 0, err
	}
	message, attempts := "", int32(0)
	for i := range events {
		e := &events[i]
		if !strings.Contains(e.Message, c.spec.Image) || e.Reason != "Failed" && e.Reason != "InspectFailed" {
			continue
		}
		attempts += eventCount(e)
		if message == "" {
			message = e.Message
		}
	}
	waiting := c.status.State.Waiting.Message
	if message == "" && !strings.HasSuffix(strings.TrimSpace(waiting), `"`) {
		message = waiting
	}
	return runtimePull(oneLine(strike(clean(message), nil))), attempts, nil
}

// runtimePull drops the wrapping that repeats the image's name.
func runtimePull(message string) string {
	if _, after, ok := strings.Cut(message, "ErrImagePull: "); ok {
		message = after
	}
	for _, mark := range []string{"desc = ", "failed to resolve image: ", "failed to pull and unpack image "} {
		if _, after, ok := strings.Cut(message, mark); ok {
			message = after
		}
	}
	return message
}

// pullSecret says which credential the pod pulls with; held is set while one is missing that may
// yet be made.
func (d *diagnosis) pullSecret(ctx context.Context, p *corev1.Pod) (text string, held bool, err error) {
	if len(p.Spec.ImagePullSecrets) == 0 {
		return "no pull secret is set", false, nil
	}
	var names []string
	for _, ref := range p.Spec.ImagePullSecrets {
		key := model.ObjectKey{Kind: "Secret", Namespace: p.Namespace, Name: ref.Name}
		_, err := d.r.Keys(ctx, key)
		if apierrors.IsNotFound(err) {
			maker, err := d.maker(ctx, key)
			return fmt.Sprintf("pull secret Secret/%s does not exist", ref.Name), err == nil && maker.found, err
		}
		names = append(names, "Secret/"+ref.Name)
	}
	return "pull secret " + strings.Join(names, ", "), false, nil
}

// registryHost is the host an image name stands for; Docker Hub where it names none.
func registryHost(image string) string {
	first, _, ok := strings.Cut(image, "/")
	if ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		return first
	}
	return "docker.io"
}

// tagOf is the tag or digest of an image name, or "".
func tagOf(image string) string {
	if _, digest, ok := strings.Cut(image, "@"); ok {
		return digest
	}
	last := image[strings.LastIndex(image, "/")+1:]
	_, tag, _ := strings.Cut(last, ":")
	return tag
}
