package wire

import "labctl/topology/state"

// Method is a question of the protocol, by the name that crosses the socket: P is what is asked, and R what is
// answered. Both ends take the types from here.
type Method[P, R any] string

// Stream is a question with any number of answers I, one after the other as they come.
type Stream[P, I any] string

// Nothing is asked, or answered, where the name says it all.
type Nothing struct{}

// The methods of a lab's supervisor. EveryVersion lists those that are promised to all.
const (
	MethodStatus  Method[Nothing, Status]            = "status"
	MethodInspect Method[NodesParams, Inspection]    = "inspect"
	MethodState   Method[Nothing, *state.State]      = "state"
	MethodDown    Method[DownParams, Nothing]        = "down"
	MethodNeigh   Method[NodesParams, []Neighbour]   = "neigh"
	MethodFDB     Method[NodesParams, []FDBEntry]    = "fdb"
	MethodRoutes  Method[NodesParams, []Route]       = "routes"
	MethodIPRules Method[NodesParams, []IPRule]      = "iprules"
	MethodRules   Method[NodesParams, []Rule]        = "rules"
	MethodPorts   Method[NodesParams, []Port]        = "ports"
	MethodPS      Method[Nothing, []Running]         = "ps"
	MethodDiffers Method[Nothing, Difference]        = "differs"
	MethodForesee Method[ApplyParams, Foreseen]      = "foresee"
	MethodApply   Method[ApplyParams, Applied]       = "apply"
	MethodSet     Method[SetParams, Applied]         = "set"
	MethodReset   Method[NodesParams, Applied]       = "reset"
	MethodStep    Method[StepParams, Walked]         = "step"
	MethodAsk     Method[AskParams, []Answer]        = "ask"
	MethodVerify  Method[VerifyParams, Verification] = "verify"
	MethodSend    Method[SendParams, Sent]           = "send"
	MethodExplain Method[ExplainParams, Explained]   = "explain"
	MethodExec    Method[ExecParams, Nothing]        = "exec"    // its connection carries descriptors
	MethodCapture Method[CaptureParams, CaptureEnd]  = "capture" // after any number of CaptureItem

	StreamDrops   Stream[FollowParams, DroppedFrame] = "drops"
	StreamEvents  Stream[FollowParams, Happened]     = "events"
	StreamRuleLog Stream[FollowParams, Logged]       = "rulelog"
	StreamWatch   Stream[NodesParams, Change]        = "watch"
)
