package wire

// ExecParams is a command to be run in a node.
type ExecParams struct {
	Node string   `json:"node"`
	Argv []string `json:"argv"`
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
	TTY  bool     `json:"tty"`
	Rows uint16   `json:"rows"`
	Cols uint16   `json:"cols"`
}

// MonitorWord is a line between a monitor and a command line.
type MonitorWord struct {
	Master  bool   `json:"master,omitempty"`  // the pty's master comes with this line
	Stopped int    `json:"stopped,omitempty"` // the command was stopped by this signal
	Exited  bool   `json:"exited,omitempty"`
	Code    int    `json:"code,omitempty"`
	Killed  int    `json:"killed,omitempty"` // by this signal
	Error   string `json:"error,omitempty"`  // it could not be run: Code is 126 or 127
	Signal  int    `json:"signal,omitempty"` // to the monitor: pass this on
}
