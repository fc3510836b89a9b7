//! INFORMATIONAL: DELETE, liveness, and what else is said in passing (RFC 7296 section 1.4).

use std::time::Instant;

use super::Endpoint;
use super::arena::SaKey;
use super::child::Phase;
use super::ike_sa::State;
use super::receive::Opened;
use super::requests::Pending;
use crate::ids::ChildId;
use crate::io::DownReason;
use crate::wire::{Delete, ExchangeType, NotifyType, Payload, find_notify};

/// How many SPIs of early DELETEs are remembered for one exchange.
const EARLY_DELETES: usize = 8;

impl Endpoint {
    pub(super) fn receive_informational_request(&mut self, now: Instant, key: SaKey, opened: Opened) {
        let (path, exchange, message_id) = (opened.path, opened.exchange, opened.message_id);
        if opened.payloads.iter().any(|p| matches!(p, Payload::Delete(Delete::Ike))) {
            self.respond(key, path, exchange, message_id, &[]);
            let closing = self.sa(key).and_then(|sa| sa.closing);
            return self.remove_sa(now, key, closing.unwrap_or(DownReason::DeletedByPeer));
        }
        let fatal = [NotifyType::AUTHENTICATION_FAILED, NotifyType::INVALID_SYNTAX]
            .into_iter()
            .any(|notify_type| find_notify(&opened.payloads, notify_type).is_some());
        if fatal {
            // The other side has given this IKE SA up (RFC 7296 section 2.21.2).
            self.respond(key, path, exchange, message_id, &[]);
            return self.remove_sa(now, key, DownReason::ProtocolError);
        }
        if opened.payloads.iter().any(|p| matches!(p, Payload::Delete(_))) {
            self.adopt_children(now, key);
        }
        let mut deleted = Vec::new();
        let mut ours = Vec::new();
        for payload in &opened.payloads {
            let Payload::Delete(Delete::Esp(spis)) = payload else { continue };
            for spi in spis {
                let Some(id) = self.child_by_remote_spi(key, *spi) else {
                    self.note_early_delete(key, *spi);
                    continue;
                };
                let Some(child) = self.children.get(id) else { continue };
                match child.phase {
                    // Both ends delete it at once: ours is on its way, so it is not named again (section 1.4.1).
                    Phase::Deleting if self.delete_is_outstanding(key, id) => {}
                    Phase::Draining => continue,
                    _ => ours.push(child.local_spi),
                }
                deleted.push(id);
            }
        }
        let answer: Vec<Payload> =
            if ours.is_empty() { Vec::new() } else { vec![Payload::Delete(Delete::Esp(ours))] };
        self.note_peer_window(key, &opened.payloads);
        self.respond(key, path, exchange, message_id, &answer);
        for id in deleted {
            self.drain_child(now, id, DownReason::DeletedByPeer);
        }
        self.receive_invalid_spi(now, key, &opened.payloads);
    }

    /// The peer deletes a child SA whose making was not answered here yet.
    fn note_early_delete(&mut self, key: SaKey, spi: u32) {
        let Some(sa) = self.sas.get_mut(&key) else { return };
        for pending in sa.requests.pending_mut() {
            if let Pending::CreateChild(exchange) = pending
                && exchange.deleted.len() < EARLY_DELETES
            {
                exchange.deleted.push(spi);
            }
        }
    }

    pub(super) fn start_delete_child(&mut self, now: Instant, key: SaKey, id: ChildId) {
        let Some(child) = self.children.get(id) else { return };
        if child.phase == Phase::Draining {
            return;
        }
        let payload = [Payload::Delete(Delete::Esp(vec![child.local_spi]))];
        self.request(now, key, ExchangeType::INFORMATIONAL, &payload, Pending::DeleteChildren(vec![id]));
    }

    pub(super) fn receive_delete_response(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: &Opened,
        children: &[ChildId],
    ) {
        // Which SPIs the answer names does not matter: the peer has none of them any more.
        let _ = opened;
        for id in children {
            if self.children.get(*id).is_some_and(|child| child.sa == key || child.phase == Phase::Deleting) {
                self.drain_child(now, *id, DownReason::DeletedByUs);
            }
        }
    }

    fn delete_is_outstanding(&self, key: SaKey, id: ChildId) -> bool {
        self.sa(key).is_some_and(|sa| {
            sa.state != State::Closing
                && sa.requests.pending().any(
                    |pending| matches!(pending, Pending::DeleteChildren(children) if children.contains(&id)),
                )
        })
    }
}
