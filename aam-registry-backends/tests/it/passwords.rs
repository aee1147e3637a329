use aam_registry_backends::argon2::Argon2Passwords;
use aam_registry_core::password_hasher_conformance;

password_hasher_conformance!(async { (Argon2Passwords::default(), ()) });
