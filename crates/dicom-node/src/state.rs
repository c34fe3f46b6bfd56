//! The upper-layer state machine as data: PS3.8 §9.2, Tables 9-6 to 9-10.
//!
//! Nothing here does input or output: [`next`] answers which action follows an event and which state comes after it,
//! `association` performs the action.

/// States of PS3.8 Tables 9-1 to 9-5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Idle.
    Sta1,
    /// Transport connection open, awaiting A-ASSOCIATE-RQ.
    Sta2,
    /// Awaiting the local answer to an A-ASSOCIATE indication.
    Sta3,
    /// Awaiting the transport connection.
    Sta4,
    /// Awaiting A-ASSOCIATE-AC or -RJ.
    Sta5,
    /// Association established, ready for data.
    Sta6,
    /// Awaiting A-RELEASE-RP.
    Sta7,
    /// Awaiting the local answer to an A-RELEASE indication.
    Sta8,
    /// Release collision, requestor: awaiting the local answer.
    Sta9,
    /// Release collision, acceptor: awaiting A-RELEASE-RP.
    Sta10,
    /// Release collision, requestor: awaiting A-RELEASE-RP.
    Sta11,
    /// Release collision, acceptor: awaiting the local answer.
    Sta12,
    /// Awaiting the end of the transport connection.
    Sta13,
}

/// Events of PS3.8 Table 9-10, in its order (Evt1 to Evt19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    AssociateRequest,
    TransportConfirmed,
    AcReceived,
    RjReceived,
    TransportIndication,
    RqReceived,
    ResponseAccept,
    ResponseReject,
    DataRequest,
    DataReceived,
    ReleaseRequest,
    ReleaseRqReceived,
    ReleaseRpReceived,
    ReleaseResponse,
    AbortRequest,
    AbortReceived,
    TransportClosed,
    ArtimExpired,
    InvalidPdu,
}

/// Actions of PS3.8 Tables 9-6 to 9-9; `Nil` is an empty cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Ae1,
    Ae2,
    Ae3,
    Ae4,
    Ae5,
    Ae6,
    Ae7,
    Ae8,
    Dt1,
    Dt2,
    Ar1,
    Ar2,
    Ar3,
    Ar4,
    Ar5,
    Ar6,
    Ar7,
    Ar8,
    Ar9,
    Ar10,
    Aa1,
    Aa2,
    Aa3,
    Aa4,
    Aa5,
    Aa6,
    Aa7,
    Aa8,
    Nil,
}

use Action::*;

/// PS3.8 Table 9-10, rows Evt1 to Evt19, columns Sta1 to Sta13.
#[rustfmt::skip]
const TABLE_9_10: [[Action; 13]; 19] = [
    //  Sta1 Sta2 Sta3 Sta4 Sta5 Sta6 Sta7 Sta8 Sta9 Sta10 Sta11 Sta12 Sta13
    [   Ae1, Nil, Nil, Nil, Nil, Nil, Nil, Nil, Nil, Nil,  Nil,  Nil,  Nil ],
    [   Nil, Nil, Nil, Ae2, Nil, Nil, Nil, Nil, Nil, Nil,  Nil,  Nil,  Nil ],
    [   Nil, Aa1, Aa8, Nil, Ae3, Aa8, Aa8, Aa8, Aa8, Aa8,  Aa8,  Aa8,  Aa6 ],
    [   Nil, Aa1, Aa8, Nil, Ae4, Aa8, Aa8, Aa8, Aa8, Aa8,  Aa8,  Aa8,  Aa6 ],
    [   Ae5, Nil, Nil, Nil, Nil, Nil, Nil, Nil, Nil, Nil,  Nil,  Nil,  Nil ],
    [   Nil, Ae6, Aa8, Nil, Aa8, Aa8, Aa8, Aa8, Aa8, Aa8,  Aa8,  Aa8,  Aa7 ],
    [   Nil, Nil, Ae7, Nil, Nil, Nil, Nil, Nil, Nil, Nil,  Nil,  Nil,  Nil ],
    [   Nil, Nil, Ae8, Nil, Nil, Nil, Nil, Nil, Nil, Nil,  Nil,  Nil,  Nil ],
    [   Nil, Nil, Nil, Nil, Nil, Dt1, Nil, Ar7, Nil, Nil,  Nil,  Nil,  Nil ],
    [   Nil, Aa1, Aa8, Nil, Aa8, Dt2, Ar6, Aa8, Aa8, Aa8,  Aa8,  Aa8,  Aa6 ],
    [   Nil, Nil, Nil, Nil, Nil, Ar1, Nil, Nil, Nil, Nil,  Nil,  Nil,  Nil ],
    [   Nil, Aa1, Aa8, Nil, Aa8, Ar2, Ar8, Aa8, Aa8, Aa8,  Aa8,  Aa8,  Aa6 ],
    [   Nil, Aa1, Aa8, Nil, Aa8, Aa8, Ar3, Aa8, Aa8, Ar10, Ar3,  Aa8,  Aa6 ],
    [   Nil, Nil, Nil, Nil, Nil, Nil, Nil, Ar4, Ar9, Nil,  Nil,  Ar4,  Nil ],
    [   Nil, Nil, Aa1, Aa2, Aa1, Aa1, Aa1, Aa1, Aa1, Aa1,  Aa1,  Aa1,  Nil ],
    [   Nil, Aa2, Aa3, Nil, Aa3, Aa3, Aa3, Aa3, Aa3, Aa3,  Aa3,  Aa3,  Aa2 ],
    [   Nil, Aa5, Aa4, Aa4, Aa4, Aa4, Aa4, Aa4, Aa4, Aa4,  Aa4,  Aa4,  Ar5 ],
    [   Nil, Aa2, Nil, Nil, Nil, Nil, Nil, Nil, Nil, Nil,  Nil,  Nil,  Aa2 ],
    [   Nil, Aa1, Aa8, Nil, Aa8, Aa8, Aa8, Aa8, Aa8, Aa8,  Aa8,  Aa8,  Aa7 ],
];

/// The action that follows `event` in `state`, and the state after it; `None` where Table 9-10 has an empty cell.
///
/// `first` picks between the two next states of AE-6 (request acceptable to the service provider) and AR-8
/// (we are the association requestor); every other action has one next state.
pub(crate) fn next(state: State, event: Event, first: bool) -> Option<(Action, State)> {
    let action = *TABLE_9_10.get(event as usize)?.get(state as usize)?;
    Some((action, state_after(action, first)?))
}

/// The next state that PS3.8 Tables 9-6 to 9-9 give with each action.
fn state_after(action: Action, first: bool) -> Option<State> {
    Some(match action {
        Ae1 => State::Sta4,
        Ae2 => State::Sta5,
        Ae3 | Ae7 | Dt1 | Dt2 => State::Sta6,
        Ae4 | Ar3 | Ar5 | Aa2 | Aa3 | Aa4 | Aa5 => State::Sta1,
        Ae5 => State::Sta2,
        Ae6 if first => State::Sta3,
        Ar1 | Ar6 => State::Sta7,
        Ar2 | Ar7 => State::Sta8,
        Ar8 if first => State::Sta9,
        Ar8 => State::Sta10,
        Ar9 => State::Sta11,
        Ar10 => State::Sta12,
        Ae6 | Ae8 | Ar4 | Aa1 | Aa6 | Aa7 | Aa8 => State::Sta13,
        Nil => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table 9-10 as the standard prints it, row by row: "state:action>next state". AE-6 and AR-8 with both branches.
    const PRINTED: [(Event, &str); 19] = [
        (Event::AssociateRequest, "1:AE-1>4"),
        (Event::TransportConfirmed, "4:AE-2>5"),
        (
            Event::AcReceived,
            "2:AA-1>13 3:AA-8>13 5:AE-3>6 6:AA-8>13 7:AA-8>13 8:AA-8>13 9:AA-8>13 10:AA-8>13 11:AA-8>13 12:AA-8>13 13:AA-6>13",
        ),
        (
            Event::RjReceived,
            "2:AA-1>13 3:AA-8>13 5:AE-4>1 6:AA-8>13 7:AA-8>13 8:AA-8>13 9:AA-8>13 10:AA-8>13 11:AA-8>13 12:AA-8>13 13:AA-6>13",
        ),
        (Event::TransportIndication, "1:AE-5>2"),
        (
            Event::RqReceived,
            "2:AE-6>3/13 3:AA-8>13 5:AA-8>13 6:AA-8>13 7:AA-8>13 8:AA-8>13 9:AA-8>13 10:AA-8>13 11:AA-8>13 12:AA-8>13 13:AA-7>13",
        ),
        (Event::ResponseAccept, "3:AE-7>6"),
        (Event::ResponseReject, "3:AE-8>13"),
        (Event::DataRequest, "6:DT-1>6 8:AR-7>8"),
        (
            Event::DataReceived,
            "2:AA-1>13 3:AA-8>13 5:AA-8>13 6:DT-2>6 7:AR-6>7 8:AA-8>13 9:AA-8>13 10:AA-8>13 11:AA-8>13 12:AA-8>13 13:AA-6>13",
        ),
        (Event::ReleaseRequest, "6:AR-1>7"),
        (
            Event::ReleaseRqReceived,
            "2:AA-1>13 3:AA-8>13 5:AA-8>13 6:AR-2>8 7:AR-8>9/10 8:AA-8>13 9:AA-8>13 10:AA-8>13 11:AA-8>13 12:AA-8>13 13:AA-6>13",
        ),
        (
            Event::ReleaseRpReceived,
            "2:AA-1>13 3:AA-8>13 5:AA-8>13 6:AA-8>13 7:AR-3>1 8:AA-8>13 9:AA-8>13 10:AR-10>12 11:AR-3>1 12:AA-8>13 13:AA-6>13",
        ),
        (Event::ReleaseResponse, "8:AR-4>13 9:AR-9>11 12:AR-4>13"),
        (
            Event::AbortRequest,
            "3:AA-1>13 4:AA-2>1 5:AA-1>13 6:AA-1>13 7:AA-1>13 8:AA-1>13 9:AA-1>13 10:AA-1>13 11:AA-1>13 12:AA-1>13",
        ),
        (
            Event::AbortReceived,
            "2:AA-2>1 3:AA-3>1 5:AA-3>1 6:AA-3>1 7:AA-3>1 8:AA-3>1 9:AA-3>1 10:AA-3>1 11:AA-3>1 12:AA-3>1 13:AA-2>1",
        ),
        (
            Event::TransportClosed,
            "2:AA-5>1 3:AA-4>1 4:AA-4>1 5:AA-4>1 6:AA-4>1 7:AA-4>1 8:AA-4>1 9:AA-4>1 10:AA-4>1 11:AA-4>1 12:AA-4>1 13:AR-5>1",
        ),
        (Event::ArtimExpired, "2:AA-2>1 13:AA-2>1"),
        (
            Event::InvalidPdu,
            "2:AA-1>13 3:AA-8>13 5:AA-8>13 6:AA-8>13 7:AA-8>13 8:AA-8>13 9:AA-8>13 10:AA-8>13 11:AA-8>13 12:AA-8>13 13:AA-7>13",
        ),
    ];

    const STATES: [State; 13] = [
        State::Sta1,
        State::Sta2,
        State::Sta3,
        State::Sta4,
        State::Sta5,
        State::Sta6,
        State::Sta7,
        State::Sta8,
        State::Sta9,
        State::Sta10,
        State::Sta11,
        State::Sta12,
        State::Sta13,
    ];

    fn printed(state: State, event: Event) -> String {
        let Some((action, yes)) = next(state, event, true) else { return String::new() };
        let (_, no) = next(state, event, false).unwrap();
        let name = format!("{action:?}").to_uppercase();
        let (letters, number) = name.split_at(2);
        let (yes, no) = (yes as usize + 1, no as usize + 1);
        let after = if yes == no { format!("{yes}") } else { format!("{yes}/{no}") };
        format!("{}:{letters}-{number}>{after}", state as usize + 1)
    }

    #[test]
    fn every_row_of_table_9_10() {
        for (event, expected) in PRINTED {
            let row: Vec<String> =
                STATES.iter().map(|s| printed(*s, event)).filter(|cell| !cell.is_empty()).collect();
            assert_eq!(row.join(" "), expected, "{event:?}");
        }
    }
}
