//go:build linux

package client

import (
	"context"
	"fmt"
	"time"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
)

// waitReady waits for another labctl that is starting or stopping the same instance just now. An error wraps ErrSilent
// if whoever is at work there is stopped.
func waitReady(ctx context.Context, name string) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	looked := time.Now()
	for {
		c, err := Dial(name)
		if err == nil {
			return c, nil
		}
		if !instance.Alive(name) {
			return nil, wire.Going.Errorf("%s: another labctl was at work on it and gave up; try again", name)
		}
		if time.Since(looked) > instance.GreetingLook {
			if err := instance.EndpointOf(name).Still(); err != nil {
				return nil, err
			}
			looked = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: another labctl is at work on it: %w", name, err)
		case <-tick.C:
		}
	}
}

// waitGone waits until an instance that is being taken down has let go of its lock: its namespaces are gone by then.
func waitGone(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, instance.GoingTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for instance.Alive(name) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is being taken down: %w", name, context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}
