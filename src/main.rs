//! Parses the command line, starts logging, runs the command.
//!
//! Whatever keeps a command from doing its work is one line on stderr and an
//! exit code of 1.

use std::path::PathBuf;
use std::process::ExitCode;

use engagecast::app::App;
use engagecast::cli::{
    Cli, Command, GenerateArgs, ImportArgs, KeysArgs, ReportCommandArgs, ScoreArgs, TrainArgs,
};
use engagecast::cohort::partial_name;
use engagecast::config::Config;
use engagecast::{cli, http, telemetry};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let cli = Cli::from_args(std::env::args_os());
    let outcome = match cli.command {
        Command::Serve(config) => serve(*config),
        Command::Generate(args) => generate(&args),
        Command::Import(args) => import(&args),
        Command::Train(args) => train(&args),
        Command::Health(args) => cli::health(&args).map_err(Into::into),
        Command::Score(args) => score(&args),
        Command::Report(args) => report(&args),
        Command::Keys(args) => keys(&args),
        Command::Openapi => cli::print(http::document()).map_err(Into::into),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", one_line(&failure.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// Interrupted, it ends at once: nothing is written before all is trained.
fn train(args: &TrainArgs) -> Result<(), Failure> {
    telemetry::start(&args.log)?;
    Ok(cli::train(args)?)
}

fn generate(args: &GenerateArgs) -> Result<(), Failure> {
    telemetry::start(&args.log)?;
    if let Some(out) = args.out.clone() {
        remove_on_signal(out)?;
    }
    Ok(cli::generate(args)?)
}

fn score(args: &ScoreArgs) -> Result<(), Failure> {
    telemetry::start(&args.log)?;
    remove_on_signal(args.out.clone())?;
    Ok(cli::score(args)?)
}

/// Leaves no half of a file behind where the process is told to end.
fn remove_on_signal(out: PathBuf) -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let guard = runtime.enter();
    let mut signals = Signals::new()?;
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(signals.next());
        // There is none before the first row is drawn.
        let _ = std::fs::remove_file(partial_name(&out));
        std::process::exit(130);
    });
    Ok(())
}

/// Interrupted, it ends at once: nobody sees what the database was sent by then.
fn import(args: &ImportArgs) -> Result<(), Failure> {
    telemetry::start(&args.log)?;
    let runtime = Runtime::new()?;
    let outcome = runtime.block_on(async {
        let mut signals = Signals::new()?;
        tokio::select! {
            outcome = cli::import(args) => Ok(outcome?),
            () = signals.next() => std::process::exit(130),
        }
    });
    runtime.shutdown_background();
    outcome
}

fn report(args: &ReportCommandArgs) -> Result<(), Failure> {
    telemetry::start(&args.log)?;
    Ok(Runtime::new()?.block_on(cli::report(args))?)
}

fn keys(args: &KeysArgs) -> Result<(), Failure> {
    telemetry::start(args.log())?;
    Ok(Runtime::new()?.block_on(cli::keys(args))?)
}

fn serve(config: Config) -> Result<(), Failure> {
    telemetry::start(&config.log)?;
    // New requests are looked for often: how long they wait is what tells of
    // overload, and a wait counts from when it is seen.
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .event_interval(8)
        .build()?;
    let outcome = runtime.block_on(async {
        let shutdown = Signals::new()?;
        let app = App::build(config).await?;
        app.run(shutdown.first()).await?;
        Ok(())
    });
    // A model in training can't be interrupted, and nobody waits for it.
    runtime.shutdown_background();
    outcome
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
        }
    }

    /// Waits for a signal; the one after it ends the process at once.
    async fn first(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(130);
        });
    }
}

/// Errors of other crates may span lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
