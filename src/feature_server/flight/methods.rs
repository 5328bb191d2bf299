//! The methods of Arrow Flight.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::RecordBatch;
use arrow_schema::Field;
use arrow_schema::Schema;
use arrow_schema::SchemaRef;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::feature_server::arrow_stream::with_origin;
use crate::feature_server::body::Piece;
use crate::feature_server::body::ReplyBody;
use crate::feature_server::flight::batches::Received;
use crate::feature_server::flight::batches::batch_frames;
use crate::feature_server::flight::batches::receive;
use crate::feature_server::flight::batches::schema_bytes;
use crate::feature_server::flight::batches::schema_frames;
use crate::feature_server::flight::grpc::Messages;
use crate::feature_server::flight::grpc::answer;
use crate::feature_server::flight::grpc::frames;
use crate::feature_server::flight::grpc::grow;
use crate::feature_server::flight::grpc::trailers;
use crate::feature_server::flight::messages::Descriptor;
use crate::feature_server::flight::messages::FlightData;
use crate::feature_server::flight::messages::FlightInfo;
use crate::feature_server::flight::messages::decode_ticket;
use crate::feature_server::flight::messages::encode_schema_result;
use crate::feature_server::flight::protobuf::Malformed;
use crate::feature_server::http::TicketJson;
use crate::feature_server::limits::MESSAGE_BYTES_MAX;
use crate::feature_server::lookup::RequestKeys;
use crate::feature_server::lookup::RowsRequest;
use crate::feature_server::lookup::answer_rows;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::state::Shared;
use crate::features::FeatureError;
use crate::features::limits::REQUEST_BYTES_MAX;
use crate::features::serving::FeatureTables;

/// Pieces of an answer that wait for the client.
const PIECES_AHEAD: usize = 4;

impl From<Malformed> for Refusal {
    fn from(error: Malformed) -> Self {
        Self::bad(error.to_string())
    }
}

/// The table and the columns of a command. The keys of a lookup may stand beside them.
#[derive(Deserialize)]
struct CommandJson {
    table: String,
    columns: Option<Vec<String>>,
    keys: Option<serde::de::IgnoredAny>,
}

/// The table and the columns that a descriptor names.
struct Named {
    table: String,
    columns: Option<Vec<String>>,
    /// True if it names keys too.
    is_lookup: bool,
}

fn bad_ticket(error: serde_json::Error) -> Refusal {
    Refusal::bad(format!(
        "the ticket or command is not {{\"table\", \"keys\", \"columns\"}}: {error}"
    ))
}

fn named_by(descriptor: &Descriptor) -> Result<Named, Refusal> {
    if !descriptor.command.is_empty() {
        let read: CommandJson = serde_json::from_slice(&descriptor.command).map_err(bad_ticket)?;
        return Ok(Named {
            table: read.table,
            columns: read.columns,
            is_lookup: read.keys.is_some(),
        });
    }
    match descriptor.path.split_first() {
        Some((table, columns)) => Ok(Named {
            table: table.clone(),
            columns: Some(columns.to_vec()).filter(|columns| !columns.is_empty()),
            is_lookup: false,
        }),
        None => Err(Refusal::bad("the descriptor names no table")),
    }
}

/// Returns the schema of the answers of a table.
fn schema_of(tables: &FeatureTables, named: &Named) -> Result<Schema, Refusal> {
    let schema = tables.schema(&named.table)?;
    let field = |place: usize| {
        let column = &schema.columns()[place];
        Field::new(&column.name, column.data_type.arrow(), true)
    };
    let fields: Result<Vec<Field>, FeatureError> = match &named.columns {
        Some(columns) => columns
            .iter()
            .map(|name| schema.place(name).map(field))
            .collect(),
        None => Ok((0..schema.columns().len()).map(field).collect()),
    };
    let schema = Schema::new(fields?);
    match tables.state(&named.table)?.origin {
        Some(origin) => Ok(with_origin(&schema, &origin)),
        None => Ok(schema),
    }
}

/// Reads the only message of a call.
async fn only_message(shared: &Shared, body: Incoming) -> Result<Bytes, Refusal> {
    let mut messages = Messages::of(body, MESSAGE_BYTES_MAX, &shared.budget);
    let message = messages.next().await?;
    message.ok_or_else(|| Refusal::bad("the call has no message"))
}

/// `DoGet`: rows of a ticket.
///
/// # Errors
/// A refusal.
pub(super) async fn do_get(
    shared: &Shared,
    body: Incoming,
) -> Result<Response<ReplyBody>, Refusal> {
    let message = only_message(shared, body).await?;
    let _turn = shared.work.requests.take().await?;
    let ticket: TicketJson =
        serde_json::from_slice(decode_ticket(&message)?).map_err(bad_ticket)?;
    let made = answer_rows(&shared.work, vec![ticket.request()], |mut answers| {
        let Some((_, rows)) = answers.pop() else {
            return Err(Refusal::bad("no table"));
        };
        let batch = rows.batch()?;
        let mut out = VecDeque::from(schema_frames(&with_origin(
            batch.schema_ref(),
            &rows.origin,
        ))?);
        out.extend(batch_frames(&batch)?);
        Ok((out, rows.answer.len()))
    });
    let (out, keys) = made.await?;
    shared
        .metrics
        .keys
        .fetch_add(keys as u64, Ordering::Relaxed);
    Ok(answer(Ok(out)))
}

/// `GetFlightInfo`: the columns and the size of a table, or the ticket of a lookup.
///
/// # Errors
/// A refusal.
pub(super) async fn get_flight_info(
    shared: &Shared,
    body: Incoming,
) -> Result<Response<ReplyBody>, Refusal> {
    let descriptor = Descriptor::decode(&only_message(shared, body).await?)?;
    let info = describe(&shared.work.tables, descriptor)?;
    Ok(answer(Ok(frames(&info.encode(), Vec::new())?.into())))
}

fn describe(tables: &FeatureTables, descriptor: Descriptor) -> Result<FlightInfo, Refusal> {
    let named = named_by(&descriptor)?;
    let state = tables.state(&named.table)?;
    let schema = schema_of(tables, &named)?;
    Ok(FlightInfo {
        schema: schema_bytes(&schema)?,
        ticket: named.is_lookup.then(|| descriptor.command.clone()),
        records: (!named.is_lookup).then_some(state.rows),
        bytes: (!named.is_lookup).then_some(state.bytes),
        descriptor,
    })
}

/// `GetSchema`: the columns of a table.
///
/// # Errors
/// A refusal.
pub(super) async fn get_schema(
    shared: &Shared,
    body: Incoming,
) -> Result<Response<ReplyBody>, Refusal> {
    let descriptor = Descriptor::decode(&only_message(shared, body).await?)?;
    let schema = schema_of(&shared.work.tables, &named_by(&descriptor)?)?;
    let result = encode_schema_result(&schema_bytes(&schema)?);
    Ok(answer(Ok(frames(&result, Vec::new())?.into())))
}

/// `ListFlights`: all tables whose columns are known.
///
/// # Errors
/// A refusal.
pub(super) fn list_flights(shared: &Shared) -> Result<Response<ReplyBody>, Refusal> {
    let mut out = VecDeque::new();
    for state in shared.work.tables.states() {
        if state.schema.is_none() {
            continue;
        }
        let descriptor = Descriptor {
            path: vec![state.name],
            ..Descriptor::default()
        };
        let info = describe(&shared.work.tables, descriptor)?;
        out.extend(frames(&info.encode(), Vec::new())?);
    }
    Ok(answer(Ok(out)))
}

/// `DoExchange`: batches of keys, each of which has a batch of rows as its answer.
pub(super) fn do_exchange(shared: &Arc<Shared>, body: Incoming) -> Response<ReplyBody> {
    let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let ended = exchange(&shared, body, &sender).await;
        let end = trailers(ended.err().as_ref());
        // A client that has gone needs no end.
        let _ = sender.send(Piece::Trailers(end)).await;
    });
    grow(ReplyBody::Growing(pieces))
}

/// The state of an exchange.
#[derive(Default)]
struct Exchange {
    named: Option<Named>,
    keys_schema: Option<SchemaRef>,
    /// True after the schema of the answers was sent.
    has_begun: bool,
}

async fn exchange(
    shared: &Shared,
    body: Incoming,
    sender: &mpsc::Sender<Piece>,
) -> Result<(), Refusal> {
    let mut messages = Messages::of(body, REQUEST_BYTES_MAX, &shared.budget);
    let mut state = Exchange::default();
    while let Some(message) = messages.next().await? {
        let data = FlightData::decode(&message)?;
        if let (Some(descriptor), None) = (&data.descriptor, &state.named) {
            state.named = Some(named_by(descriptor)?);
        }
        let schema = state.keys_schema.clone();
        let received = shared.work.here(move |_| receive(&data, schema.as_ref()))?;
        match received {
            None => {}
            Some(Received::Schema(schema)) => state.keys_schema = Some(schema),
            Some(Received::Batch(keys)) => {
                for frame in answer_batch(shared, &mut state, &keys).await? {
                    if sender.send(Piece::Data(frame)).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

async fn answer_batch(
    shared: &Shared,
    state: &mut Exchange,
    keys: &RecordBatch,
) -> Result<Vec<Bytes>, Refusal> {
    let Some(named) = &state.named else {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "the exchange names no table",
        ));
    };
    let _turn = shared.work.requests.take().await?;
    let fields = keys.schema_ref().fields().iter();
    let columns = fields
        .zip(keys.columns())
        .map(|(field, values)| (field.name().clone(), values.clone()));
    let request = RowsRequest {
        table: named.table.clone(),
        keys: RequestKeys::Named(columns.collect()),
        columns: named.columns.clone(),
        has_status: false,
    };
    let begins = !std::mem::replace(&mut state.has_begun, true);
    let made = answer_rows(&shared.work, vec![request], move |mut answers| {
        let Some((_, rows)) = answers.pop() else {
            return Err(Refusal::bad("no table"));
        };
        let batch = rows.batch()?;
        let mut out = Vec::new();
        if begins {
            out = schema_frames(&with_origin(batch.schema_ref(), &rows.origin))?;
        }
        out.extend(batch_frames(&batch)?);
        Ok(out)
    });
    let frames = made.await?;
    shared
        .metrics
        .keys
        .fetch_add(keys.num_rows() as u64, Ordering::Relaxed);
    Ok(frames)
}
