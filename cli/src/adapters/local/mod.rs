//! The platform as processes of this machine.

pub mod gateway;
pub mod logs;
pub mod ports;
pub mod services;
