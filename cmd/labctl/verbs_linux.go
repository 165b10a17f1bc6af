package main

import "github.com/spf13/cobra"

// machineCommands make [machineVerbs], in any order.
func machineCommands() []func(*globals) *cobra.Command {
	return []func(*globals) *cobra.Command{
		upCommand, downCommand, lsCommand, inspectCommand, execCommand, shellCommand, pingCommand, matrixCommand,
		stepCommand, setCommand, resetCommand, policyCommand, portCommand, linkCommand, sendCommand,
		portsCommand, fdbCommand, dropsCommand, captureCommand, eventsCommand, watchCommand, explainCommand,
		neighCommand, routesCommand, rulesCommand, psCommand, switchCommand, doctorCommand,
	}
}
