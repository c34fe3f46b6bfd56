//! The way back with real peers: poll, fetch, inspect, reconcile, release, return, confirm, close.

mod accept;
mod classes;
mod dropped;
mod encrypted;
mod faulty;
mod identity;
mod issued;
mod kills;
mod linkage;
mod mentioned;
mod pitfalls;
mod release;
mod returned;
mod silent;
mod whole;
mod withheld;
mod world;
