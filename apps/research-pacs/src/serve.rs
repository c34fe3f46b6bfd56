//! The server: opens the stores, starts the listeners and tasks, and drains them at the end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use archive::Intake;
use builder::Site;
use database::Dialect;
use dicom_node::Node;
use dicom_node::query_retrieve_scp::NoQuery;
use dicom_node::tls::ServerTls;
use notification::{Channels, Dispatcher};
use partner::Partner;
use pipeline::access::{Nodes, WhiteList};
use pipeline::admit::Admission;
use pipeline::clock::Clock;
use pipeline::commitment::Reports;
use pipeline::driver;
use pipeline::import::FolderImport;
use pipeline::line::{Line, Project, Wake};
use pipeline::receive::Receiver;
use pipeline::route::Routes;
use register::{AuditTrail, RejectionWriter};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::{Status, router};
use crate::http_listener;
use crate::metrics::Metrics;
use crate::secret;
use crate::stores::{SPOOL, Stores};

/// Longest wait for work under way at the end; whatever it had done is written, and the rest is done again.
const DRAIN: Duration = Duration::from_secs(20);

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) dicom: SocketAddr,
    pub(crate) http: SocketAddr,
}

/// Ready at SIGTERM or SIGINT.
///
/// # Errors
/// The system refuses to tell of signals.
pub(crate) fn signalled() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Runs until `end` is ready, then drains; `ready` hears where the server listens.
pub(crate) async fn run(
    site: Site,
    ready: impl FnOnce(Addresses),
    end: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    raise_descriptor_limit();
    let clock = Clock::system();
    let (stores, recovery) = Stores::open(&site).await?;
    let channels = Arc::new(Channels::new(&site.notification, &secret::for_notification)?);
    let metrics = Arc::new(Metrics::default());
    let routes = Routes::new(&site.projects)
        .map_err(|keyword| anyhow::anyhow!("query rule: PS3.6 has no attribute {keyword:?}"))?;
    let routes = Arc::new(routes);
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();

    let trail = AuditTrail::new(&site.site.name, concat!("research-pacs ", env!("CARGO_PKG_VERSION")));
    let (audit, rejections) = RejectionWriter::new(trail.clone(), stores.main.clone());
    let auditing = {
        let clock = clock.clone();
        tokio::spawn(rejections.run(move || clock.now()))
    };

    let arrived = Arc::new(Notify::new());
    let (writer, arrivals, queue) = stores.index_writer();
    let indexing = {
        let (metrics, arrived) = (Arc::clone(&metrics), Arc::clone(&arrived));
        tokio::spawn(writer.run(queue, move |written| {
            metrics.written(written);
            arrived.notify_one();
        }))
    };
    let intake = Intake::new(stores.spool.clone(), SPOOL, routes.attributes(), arrivals.clone());

    let line = Arc::new(line(&site, &stores, trail, clock.clone())?);
    let admission = Admission::new(Arc::clone(&line), Arc::clone(&routes), &site.projects);
    watched(&tasks, &line, "admission", admission.run(arrived, stop.clone()));
    if stores.main.dialect() == Dialect::Sqlite {
        // Nobody else works on this database: what a crash left is taken up at once.
        let mut transaction = stores.main.write().await?;
        archive::job_queue::release_leases(&mut transaction, clock.now()).await?;
        transaction.commit().await?;
    }
    {
        let (line_of, stop) = (Arc::clone(&line), stop.clone());
        watched(&tasks, &line, "the workers of the line", async move {
            if let Err(error) = driver::run(Arc::clone(&line_of), stop).await {
                tracing::error!(%error, "no work is done: restart after mending the main database");
                line_of.faults.note("the workers of the line");
            }
        });
    }
    {
        let (line_of, stop) = (Arc::clone(&line), stop.clone());
        watched(&tasks, &line, "the timers", async move {
            if let Err(error) = driver::timers(Arc::clone(&line_of), stop).await {
                tracing::error!(%error, "timers do not run: restart after mending the main database");
                line_of.faults.note("the timers");
            }
        });
    }
    let dispatcher = {
        let (clock, hours) = (clock.clone(), site.notification.give_up_after_hours);
        Dispatcher::new(stores.main.clone(), channels, Arc::new(move || clock.now()), hours)
    };
    let dispatching = dispatcher.run(Arc::clone(&line.messages), stop.clone().cancelled_owned());
    watched(&tasks, &line, "the messages", dispatching);
    for import in &site.imports {
        let import = FolderImport::new(import.clone(), intake.clone(), clock.clone());
        watched(&tasks, &line, "a folder import", import.run(stop.clone()));
    }

    let nodes = Arc::new(Nodes::new(&site.nodes));
    let white_list = WhiteList::new(
        Arc::clone(&nodes),
        Arc::clone(&routes),
        &site.dicom.ae_titles,
        site.dicom.associations_per_node,
        stores.spool.clone(),
        audit,
        clock.clone(),
    );
    let receiver = Receiver::new(intake, routes, nodes, Arc::clone(&metrics), clock);
    let node =
        Node::new(site.dicom.limits.clone(), white_list, receiver, Reports::new(Arc::clone(&line)), NoQuery);
    let tls = site.dicom.tls.as_ref().map(ServerTls::load).transpose()?;
    let dicom = dicom_node::listener::listen(site.dicom.listen)
        .with_context(|| format!("cannot listen for DICOM on {}", site.dicom.listen))?;
    let dicom_address = dicom.local_addr()?;
    let http = TcpListener::bind(site.http.listen)
        .await
        .with_context(|| format!("cannot listen for HTTP on {}", site.http.listen))?;
    let http_address = http.local_addr()?;

    let status = Status {
        metrics: Arc::clone(&metrics),
        spool: stores.spool.clone(),
        blobs: Arc::clone(&stores.blobs),
        faults: Arc::clone(&line.faults),
        warnings: Arc::clone(&line.warnings),
        polls: Arc::clone(&line.polls),
        name: site.site.name.as_str().into(),
    };
    tasks.spawn(http_listener::serve(http, router(status), stop.clone()));

    let listening = tokio::spawn(node.serve(dicom, tls, stop.clone()));
    tracing::info!(dicom = %dicom_address, http = %http_address, "ready");
    ready(Addresses { dicom: dicom_address, http: http_address });

    // Rows that a crash prevented are made beside the reception.
    let recovering = {
        let (buffer, metrics, faults) =
            (stores.buffer.clone(), Arc::clone(&metrics), Arc::clone(&line.faults));
        tasks.spawn(async move {
            match archive::recover(recovery, &buffer, SPOOL, arrivals).await {
                Ok(records) => metrics.recovered(records),
                Err(error) => {
                    tracing::error!(%error, "the receive buffer was not recovered, restart after mending");
                    faults.note("the recovery of the receive buffer");
                }
            }
        })
    };

    end.await;
    tracing::info!("draining: no new associations, running messages end");
    stop.cancel();
    listening.await?;
    tasks.close();
    recovering.await?;
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!("work under way did not end in time; it is taken up at the next start");
    }
    // The receiver is gone and with it every sender of rows and refusals: their writers end when all is written.
    indexing.await?;
    auditing.await?;
    // Work that did not end in time may still hold a connection.
    let closing = async { tokio::join!(stores.buffer.close(), stores.main.close()) };
    let _ = tokio::time::timeout(DRAIN, closing).await;
    tracing::info!("stopped");
    Ok(())
}

/// Runs a task of the server; when it ends by a fault of the program, `/readyz` says so.
fn watched(
    tasks: &TaskTracker,
    line: &Arc<Line>,
    part: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let (faults, task) = (Arc::clone(&line.faults), tokio::spawn(task));
    tasks.spawn(async move {
        if task.await.is_err() {
            faults.note(part);
        }
    });
}

/// Raises the soft limit of open files to the hard one: connections, objects of a batch and segments share it.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    match raised {
        Ok(()) => tracing::info!(before = limit.current, now = limit.maximum, "limit of open files"),
        Err(error) => tracing::warn!(%error, limit = limit.current, "limit of open files stays"),
    }
}

/// Puts together what the stages work with.
fn line(site: &Site, stores: &Stores, trail: AuditTrail, clock: Clock) -> anyhow::Result<Line> {
    let mut projects = BTreeMap::new();
    for config in &site.projects {
        if let Some(project) = Project::new(config)? {
            projects.insert(config.id.clone(), project);
        }
    }
    let mut partners = BTreeMap::new();
    for config in &site.partners {
        partners.insert(config.id.clone(), Arc::new(Partner::open(config, &secret::for_partner)?));
    }
    if !projects.is_empty()
        && let Some(reason) = stores.vault.locked()
    {
        tracing::error!(%reason, "the vault is locked: instances are received and wait, nothing is de-identified");
    }
    Ok(Line {
        recogniser: crate::recognition::recogniser(
            projects.values().map(|project: &Project| &*project.profile),
        ),
        renderer: crate::recognition::renderer(projects.values().map(|project: &Project| &*project.profile)),
        defacing: crate::recognition::defacing(
            site.defacing.as_ref(),
            &site.site.data.join(&site.spool.directory),
        )?,
        main: stores.main.clone(),
        buffer: stores.buffer.clone(),
        vault: Arc::clone(&stores.vault),
        spool: stores.spool.clone(),
        blobs: Arc::clone(&stores.blobs),
        trail,
        projects,
        configured: site.projects.iter().map(|project| project.id.clone()).collect(),
        partners,
        notification: site.notification.clone(),
        clock,
        work: Wake::default(),
        messages: Arc::new(Notify::new()),
        quarantine_hours: site.site.quarantine_hours,
        nodes: site.nodes.iter().map(|node| (node.name.clone(), node.clone())).collect(),
        site: site.site.name.clone(),
        polls: Arc::default(),
        oppositions: Mutex::default(),
        turns: Default::default(),
        faults: Arc::default(),
        warnings: Arc::default(),
        sweep: Mutex::default(),
    })
}
