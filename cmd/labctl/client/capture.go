//go:build linux

package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
)

// Capture copies frames until ctx ends, the lab does, or more returns false. begin is called once, when the copying has
// begun; more gets the frames in batches. Frames that were seen before ctx ended are still handed over. What is said at
// the end is valid if the error is nil.
func (c *Client) Capture(ctx context.Context, p wire.CaptureParams, begin func([]wire.CapturePlace) error,
	more func([]wire.CapturedFrame) (bool, error)) (end wire.CaptureEnd, err error) {
	conn, in, err := c.connect(ctx, "capture")
	if err != nil {
		return end, err
	}
	defer conn.Close()
	if err := wire.WriteLine(conn,
		wire.Request{Method: string(wire.MethodCapture), Params: wire.MustJSON(p)}); err != nil {
		return end, err
	}
	// Half a connection is enough to hear what came last, and what was lost.
	defer context.AfterFunc(ctx, func() {
		_ = conn.CloseWrite()
		time.AfterFunc(instance.Hurry, func() { conn.Close() })
	})()
	for going := true; ; {
		var r wire.Reply
		if err := wire.ReadLine(in, &r); err != nil {
			if ctx.Err() != nil {
				return end, fmt.Errorf("%s: the capture's last frames did not come within %s: %w", c.Instance,
					instance.Hurry, context.Cause(ctx))
			}
			return end, c.cut(ctx, "capture", err)
		}
		switch {
		case r.Error != nil:
			return end, r.Error
		case r.Item != nil:
			var item wire.CaptureItem
			if err := json.Unmarshal(r.Item, &item); err != nil {
				return end, err
			}
			if item.Places != nil {
				if err := begin(item.Places); err != nil {
					return end, err
				}
			}
			if going && len(item.Frames) > 0 {
				if going, err = more(item.Frames); err != nil {
					return end, err
				}
				if !going {
					_ = conn.CloseWrite()
				}
			}
		default:
			return end, json.Unmarshal(r.Result, &end)
		}
	}
}
