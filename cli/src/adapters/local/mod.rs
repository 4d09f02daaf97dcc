//! The platform as processes of this machine.

pub mod gateway;
pub mod ports;
pub mod services;
