package topology

import "time"

// McastSettings are how a Linux bridge asks who has joined which group, and how long it believes the answers
// (ip-link(8), type bridge; RFC 3376 and RFC 3810, 8 and 9). They matter while it snoops.
type McastSettings struct {
	Querier bool `json:"querier,omitzero"` // it asks itself, by IGMP from 0.0.0.0, and by MLD if the bridge has IPv6

	QueryInterval         time.Duration `json:"query_interval"`          // between two queries
	QueryResponseInterval time.Duration `json:"query_response_interval"` // in which an answer is due
	MembershipInterval    time.Duration `json:"membership_interval"`     // how long a group is kept after the last report
	QuerierInterval       time.Duration `json:"querier_interval"`        // how long another querier is believed in
	// in which an answer is due when somebody has left
	LastMemberInterval   time.Duration `json:"last_member_interval"`
	StartupQueryInterval time.Duration `json:"startup_query_interval"` // between the first queries
}

// McastInterval is one of the intervals of [McastSettings]: its name in lab files, which is that of ip-link(8), what it
// may be, and where it is.
type McastInterval struct {
	Name, Doc string
	Low, High time.Duration
	Value     *time.Duration
}

// Intervals are the intervals of the settings. The kernel raises the two that are between queries to a second without
// a word (net/bridge/br_multicast.c, br_multicast_set_query_intvl), and a response time is a byte of tenths of a second
// in IGMPv2 (RFC 2236, 2.2).
func (m *McastSettings) Intervals() []McastInterval {
	const day, code = 24 * time.Hour, 25500 * time.Millisecond
	return []McastInterval{
		{"mcast_query_interval", "between two queries (default 125s)", time.Second, day, &m.QueryInterval},
		{"mcast_query_response_interval", "in which an answer to a query is due (default 10s)",
			100 * time.Millisecond, code, &m.QueryResponseInterval},
		{"mcast_membership_interval", "how long a group is kept after the last report (default 260s)",
			100 * time.Millisecond, day, &m.MembershipInterval},
		{"mcast_querier_interval", "how long another querier is believed in (default 255s)",
			100 * time.Millisecond, day, &m.QuerierInterval},
		{"mcast_last_member_interval", "in which an answer is due when somebody has left (default 1s)",
			100 * time.Millisecond, code, &m.LastMemberInterval},
		{"mcast_startup_query_interval", "between the first queries (default 31.25s)", time.Second, day,
			&m.StartupQueryInterval},
	}
}
