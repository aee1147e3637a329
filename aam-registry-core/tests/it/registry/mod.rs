mod publish;
mod sweep;
mod world;
