package simnode

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"
)

// Reasons for which a container waits for its image.
const (
	reasonPullError    = "ErrImagePull"
	reasonPullBackOff  = "ImagePullBackOff"
	reasonInvalidImage = "InvalidImageName"
)

// registryTimeout bounds one question to a mirror.
const registryTimeout = 5 * time.Second

// manifestTypes is what a registry may answer with.
const manifestTypes = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

// images knows which images exist. Those of a mirrored registry are looked up there; all
// others are taken to exist, since asking for them would leave the machine.
type images struct {
	mirrors map[string]string
	client  *http.Client

	mu      sync.Mutex
	present map[string]bool
}

func newImages(mirrors map[string]string) *images {
	return &images{
		mirrors: mirrors,
		client:  &http.Client{Timeout: registryTimeout},
		present: map[string]bool{},
	}
}

// check says, by container, why an image of the pod cannot be pulled. An image once found
// stays on the node, unless the container wants it pulled always.
func (i *images) check(ctx context.Context, pod *v1.Pod) map[string]pullFault {
	faults := map[string]pullFault{}
	for _, list := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for n := range list {
			c := &list[n]
			if fault, failed := i.pull(ctx, c.Image, c.ImagePullPolicy); failed {
				faults[c.Name] = fault
			}
		}
	}
	return faults
}

func (i *images) pull(ctx context.Context, image string, policy v1.PullPolicy) (pullFault, bool) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return pullFault{reasonInvalidImage, fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name %q: %v", image, image, err)}, true
	}
	mirror, mirrored := i.mirrors[reference.Domain(named)]
	if !mirrored {
		return pullFault{}, false
	}
	i.mu.Lock()
	present := i.present[image]
	i.mu.Unlock()
	if present && policy != v1.PullAlways {
		return pullFault{}, false
	}
	if fault, failed := i.ask(ctx, mirror, reference.TagNameOnly(named)); failed {
		return fault, true
	}
	i.mu.Lock()
	i.present[image] = true
	i.mu.Unlock()
	return pullFault{}, false
}

func (i *images) ask(ctx context.Context, mirror string, named reference.Named) (pullFault, bool) {
	id := ""
	switch r := named.(type) {
	case reference.Digested:
		id = r.Digest().String()
	case reference.Tagged:
		id = r.Tag()
	}
	url := strings.TrimSuffix(mirror, "/") + "/v2/" + reference.Path(named) + "/manifests/" + id
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return pullFailure("Unknown", named, err.Error()), true
	}
	request.Header.Set("Accept", manifestTypes)
	response, err := i.client.Do(request)
	if err != nil {
		return pullFailure("Unavailable", named, "failed to do request: "+err.Error()), true
	}
	_ = response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return pullFault{}, false
	case http.StatusNotFound:
		return imageNotFound(named.String()), true
	default:
		return pullFailure("Unknown", named, "unexpected status from HEAD request to "+url+": "+response.Status), true
	}
}

// imageNotFound is containerd's message for an image its registry does not have.
func imageNotFound(image string) pullFault {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return pullFault{reasonInvalidImage, fmt.Sprintf("couldn't parse image name %q: %v", image, err)}
	}
	named = reference.TagNameOnly(named)
	return pullFailure("NotFound", named, named.String()+": not found")
}

func pullFailure(code string, named reference.Named, cause string) pullFault {
	return pullFault{reasonPullError, fmt.Sprintf(
		"rpc error: code = %s desc = failed to pull and unpack image %q: failed to resolve reference %q: %s",
		code, named.String(), named.String(), cause)}
}
