//! `ecomctl` as its users run it: the program, its exit code, stdout, stderr and files.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod architecture;
mod commit;
mod context;
mod docker;
mod doctor;
mod environments;
mod help;
mod init;
mod kubernetes;
mod lint;
mod logs;
mod objects;
mod properties;
mod render;
mod repository;
mod spec;
mod up;
mod verify;
