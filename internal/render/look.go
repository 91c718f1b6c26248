package render

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// What a chart may ask of a cluster: how many objects, in how many rounds, how many bytes all answers may
// have and how long they may take together.
const (
	maxLookups, maxLookupRounds = 500, 10

	maxFound   = 32 << 20
	lookupTime = time.Minute
)

// ErrTooMuchFound is for an answer that has more bytes than a LookUp may return.
var ErrTooMuchFound = &model.Error{
	Kind: model.ErrInvalid, Reason: "TooMuchFound",
	Msg:  fmt.Sprintf("all that it looks up in the cluster has more than %d MiB", maxFound>>20),
	Next: "let the chart look objects up by name, or those of one namespace: without a name it reads all of a kind",
}

// eyes are what looks into the cluster for one render, and what is left to it.
type eyes struct {
	release model.Release
	bytes   int64
	time    time.Duration
	unseen  map[helm.Lookup]error // what may not be read
}

// looking renders with what of the cluster the chart turns out to ask for; one that asks for nothing is
// rendered once. An object that cannot be read is an error: a chart that takes it for missing makes a new
// password. Only where notes ask for it, which are talk for people, they are left out.
func (r *Renderer) looking(ctx context.Context, req *helm.Request, e *eyes) (model.Rendered, error) {
	for range maxLookupRounds {
		rendered, err := r.engine(ctx, *req)
		var need *helm.NeedLookups
		if !errors.As(err, &need) {
			return rendered, e.told(err)
		}
		if len(req.Found)+len(need.Missing) > maxLookups {
			break
		}
		for _, q := range need.Missing {
			object, err := r.see(ctx, e, q)
			if err != nil && !refused(err) {
				return model.Rendered{}, fmt.Errorf("%s: %w", lookingUp(q), err)
			}
			if err != nil {
				e.unseen[q] = err
			}
			req.Found = append(req.Found, helm.Found{Lookup: q, Object: object, Unreadable: err != nil})
		}
	}
	return model.Rendered{}, &model.Error{
		Kind: model.ErrInvalid, Reason: "TooManyLookups",
		Msg: fmt.Sprintf("the chart looks up more than %d objects in the cluster, or decides by one what to look up next more than %d times", maxLookups, maxLookupRounds),
	}
}

func lookingUp(q helm.Lookup) string {
	return fmt.Sprintf("looking up %s, which the chart asks for", q)
}

// refused reports whether someone has to change something before an answer can be read.
func refused(err error) bool {
	kind := model.KindOf(err)
	return kind == model.ErrDenied || kind == model.ErrInvalid
}

// told says why a template failed that asked for what may not be read, in the place where it asks.
func (e *eyes) told(err error) error {
	var at *model.Error
	if len(e.unseen) == 0 || !errors.As(err, &at) {
		return err
	}
	for q, why := range e.unseen {
		if !strings.Contains(at.Msg, helm.Unread(q)) {
			continue
		}
		told := &model.Error{Kind: model.KindOf(why), Reason: model.ReasonOf(why, ""), File: at.File, Line: at.Line, Msg: lookingUp(q), Err: why}
		if cause := (*model.Error)(nil); errors.As(why, &cause) {
			told.Next = cause.Next
		}
		return told
	}
	return err
}

// see reads one answer, within what is left.
func (r *Renderer) see(ctx context.Context, e *eyes, q helm.Lookup) ([]byte, error) {
	begin := time.Now()
	within, cancel := context.WithTimeout(ctx, e.time)
	defer cancel()
	object, err := r.lookUp(within, e.release, q, e.bytes)
	e.time -= time.Since(begin)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return nil, &model.Error{
			Kind: model.ErrTransient, Reason: "LookupTimeout",
			Msg: fmt.Sprintf("all that the chart looks up took more than %s to read", lookupTime),
		}
	}
	if e.bytes -= int64(len(object)); err == nil && e.bytes < 0 {
		err = ErrTooMuchFound
	}
	return object, err
}
