package open

import (
	"context"
	"errors"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// Request is all that a rendering depends on beside the chart.
type Request struct {
	Name, Namespace string // of the release
	Values          []model.ValuesLayer
	Capabilities    model.Capabilities // zero is what `helm template` assumes
	IsUpgrade       bool
	CRDText         bool // fill Rendered.Chart.CRDs
}

// Prepare starts what renders, for a Render that will come: it is ready about when the chart is read.
func (c *Charts) Prepare() error {
	r, err := c.worker()
	if err != nil {
		return err
	}
	r.Prepare()
	return nil
}

// Render renders a chart that was opened here.
func (c *Charts) Render(ctx context.Context, a model.Artifact, req Request) (model.Rendered, error) {
	r, err := c.worker()
	if err != nil {
		return model.Rendered{}, err
	}
	rel := model.Release{Name: req.Name, Namespace: req.Namespace, Values: req.Values, Renderer: model.RenderHelm}
	return r.Render(ctx, rel, a, req.Capabilities, render.RenderOptions{IsUpgrade: req.IsUpgrade, CRDText: req.CRDText})
}

// Renderer is what renders charts that were opened here, for those who know more of the release than
// a Request says.
func (c *Charts) Renderer() (*render.Renderer, error) { return c.worker() }

func (c *Charts) worker() (*render.Renderer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.renderer == nil {
		if err := c.make(); err != nil {
			return nil, err
		}
		c.renderer = render.New(render.Options{
			Worker: c.o.Worker, Roots: []string{c.dir}, Dependencies: c.dependency, Limits: c.o.Limits, Brief: true,
		})
	}
	return c.renderer, nil
}

// Name is the name in the Chart.yaml of a chart that was opened here.
func (c *Charts) Name(a model.Artifact) (string, error) {
	loaded, err := helm.Load(a.Dir, a.Path)
	if err != nil {
		return "", err
	}
	return loaded.Name(), nil
}

// Refused reports whether it is the chart that refuses its values or its situation, by fail or required.
func Refused(err error) bool {
	var e *model.Error
	return errors.As(err, &e) && helm.Refused(e)
}
