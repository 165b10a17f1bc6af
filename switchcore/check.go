package switchcore

// Mistake is something in a configuration that its platform does not allow. Group and Port say where, both "" for the switch
// level; Key is the lab file's name of the setting.
type Mistake struct{ Group, Port, Key, Message string }

// String is the mistake in a line.
func (m Mistake) String() string {
	where := "switch"
	switch {
	case m.Port != "":
		where = "port " + m.Port
	case m.Group != "":
		where = "group " + m.Group
	}
	if m.Key != "" {
		where += ": " + m.Key
	}
	return where + ": " + m.Message
}

// Check returns everything that the platform does not allow, in a stable order: switch, groups, ports.
func (c *Config) Check() []Mistake { return nil }
