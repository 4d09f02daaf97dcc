//! What a shop must answer: the tutorial's last step, and what it leaves out.

use std::io;
use std::time::{Duration, Instant};

use hyper::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::adapters::shop::{Answer, Shop};
use crate::printer::{Mark, Printer};
use crate::settings::Scope;

/// A check, and how it ended.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    name: &'static str,
    pub(super) status: Mark,
    milliseconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Check {
    /// Prints the check as one line.
    pub(super) fn print(&self, printer: Printer) -> io::Result<()> {
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        printer.check(self.status, &format!("{:<28} {:>7.1} ms{reason}", self.name, self.milliseconds))
    }
}

/// What a check finds.
type Outcome<T> = Result<T, Fault>;

/// Why a check fails.
enum Fault {
    /// The shop answers something else.
    Wrong(String),
    /// The shop does not answer: the next check would fail alike.
    Unreachable(String),
}

impl<T: Into<String>> From<T> for Fault {
    fn from(reason: T) -> Self {
        Self::Wrong(reason.into())
    }
}

struct Run<'a, F> {
    shop: &'a Shop,
    user: &'a str,
    paths: &'a [&'a str],
    reachable: bool,
    checks: Vec<Check>,
    report: F,
}

/// The path prefixes that a shop has.
pub(super) const PATHS: [&str; 3] = ["/products", "/cart", "/orders"];
const PRODUCTS: &str = PATHS[0];
const CART: &str = PATHS[1];
const ORDERS: &str = PATHS[2];

/// An id that no product and no order has, and that every JSON reader can say.
const NOBODY: i64 = 9_007_199_254_740_991;
/// What the tutorial's order claims to cost.
const WRONG_TOTAL: f64 = 199.98;
const QUANTITY: i64 = 2;

/// Runs the checks in order. One is skipped that needs a path which is none of `paths`, or what a failed one would have
/// found.
pub(super) async fn run(
    shop: &Shop,
    scope: Scope,
    paths: &[&str],
    user: &str,
    report: impl FnMut(&Check) -> io::Result<()>,
) -> io::Result<Vec<Check>> {
    let mut run = Run { shop, user, paths, reachable: true, checks: Vec::new(), report };
    let product = run.check("list products", &[PRODUCTS], Ok(()), |()| list_products(shop)).await?;
    let needed = product.as_ref().ok_or("no product is listed");
    run.check("view a product", &[PRODUCTS], needed, |product| view_product(shop, product)).await?;
    let unknown = |path, error| missing(shop, format!("{path}/{NOBODY}"), error);
    run.check("unknown product is 404", &[PRODUCTS], Ok(()), |()| unknown(PRODUCTS, "Product not found"))
        .await?;
    run.check("cart of a new user is empty", &[CART], Ok(()), |()| empty_cart(shop, user)).await?;
    run.check("a new user has no orders", &[ORDERS], Ok(()), |()| orders(shop, user, &[])).await?;
    run.check("unknown order is 404", &[ORDERS], Ok(()), |()| unknown(ORDERS, "Order not found")).await?;
    if scope == Scope::Everything {
        run.buy(product).await?;
    }
    Ok(run.checks)
}

impl<F: FnMut(&Check) -> io::Result<()>> Run<'_, F> {
    /// Runs a check that asks `paths` and needs `needed`, or skips it with the reason why it has it not.
    async fn check<T, N, O: Future<Output = Outcome<T>>>(
        &mut self,
        name: &'static str,
        paths: &[&str],
        needed: Result<N, &str>,
        outcome: impl FnOnce(N) -> O,
    ) -> io::Result<Option<T>> {
        let absent = paths.iter().find(|path| !self.paths.contains(*path));
        let skipped = match (&needed, absent) {
            (_, Some(path)) => Some(format!("no service has the path {path}")),
            _ if !self.reachable => Some("the shop does not answer".to_owned()),
            (Err(reason), _) => Some((*reason).to_owned()),
            (Ok(_), None) => None,
        };
        let needed = match (needed, skipped) {
            (Ok(needed), None) => needed,
            (_, reason) => {
                self.add(name, Mark::Skipped, Duration::ZERO, reason)?;
                return Ok(None);
            }
        };
        let began = Instant::now();
        let (status, reason, value) = match outcome(needed).await {
            Ok(value) => (Mark::Ok, None, Some(value)),
            Err(Fault::Wrong(reason)) => (Mark::Failed, Some(reason), None),
            Err(Fault::Unreachable(reason)) => {
                self.reachable = false;
                (Mark::Failed, Some(reason), None)
            }
        };
        self.add(name, status, began.elapsed(), reason)?;
        Ok(value)
    }

    fn add(
        &mut self,
        name: &'static str,
        status: Mark,
        took: Duration,
        reason: Option<String>,
    ) -> io::Result<()> {
        let check = Check { name, status, milliseconds: took.as_secs_f64() * 1000.0, reason };
        (self.report)(&check)?;
        self.checks.push(check);
        Ok(())
    }

    async fn buy(&mut self, product: Option<Product>) -> io::Result<()> {
        let (shop, user) = (self.shop, self.user);
        let needed = || product.as_ref().ok_or("no product is listed");
        self.check("add to cart", &[CART], needed(), |product| add_to_cart(shop, user, product)).await?;
        self.check("read the cart back", &[CART], needed(), |product| read_cart(shop, user, product)).await?;
        self.check("remove from cart", &[CART], needed(), |product| remove(shop, user, product)).await?;
        let name = "negative quantity is refused";
        self.check(name, &[ORDERS], needed(), |product| refused(shop, user, product)).await?;
        let order =
            self.check("place an order", &[ORDERS], needed(), |product| order(shop, user, product)).await?;
        let needed = || order.ok_or("no order is placed");
        self.check("read the order back", &[ORDERS], needed(), |id| read_order(shop, id)).await?;
        self.check("list the user's orders", &[ORDERS], needed(), |id| orders_are(shop, user, id)).await?;
        self.check("cancel the order", &[ORDERS], needed(), |id| cancel(shop, id)).await?;
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Product {
    id: i64,
    json: Value,
    /// The price of one piece.
    cents: i64,
}

async fn list_products(shop: &Shop) -> Outcome<Product> {
    let answer = get(shop, "/products").await?;
    status(&answer, 200)?;
    let products = answer.body["products"].as_array().ok_or("`products` is no list")?;
    same("count", &answer.body["count"], &json!(products.len()))?;
    let listed: Vec<Product> = products.iter().map(product).collect::<Outcome<_>>()?;
    listed.into_iter().next().ok_or_else(|| "the list is empty".into())
}

fn product(json: &Value) -> Outcome<Product> {
    let id = json["id"].as_i64().ok_or("a product has no `id`")?;
    for field in ["name", "category"] {
        json[field].as_str().ok_or_else(|| format!("product {id} has no `{field}`"))?;
    }
    json["stock"].as_i64().ok_or_else(|| format!("product {id} has no `stock`"))?;
    let cents = cents(&json["price"]).ok_or_else(|| format!("product {id} has no `price`"))?;
    Ok(Product { id, json: json.clone(), cents })
}

async fn view_product(shop: &Shop, listed: &Product) -> Outcome<()> {
    let answer = get(shop, &format!("/products/{}", listed.id)).await?;
    status(&answer, 200)?;
    same("the product", &answer.body, &listed.json)
}

async fn missing(shop: &Shop, path: String, error: &str) -> Outcome<()> {
    let answer = get(shop, &path).await?;
    status(&answer, 404)?;
    same("error", &answer.body["error"], &json!(error))
}

async fn empty_cart(shop: &Shop, user: &str) -> Outcome<()> {
    let answer = get(shop, &format!("/cart/{user}")).await?;
    status(&answer, 200)?;
    cart(&answer.body, user, None)
}

async fn add_to_cart(shop: &Shop, user: &str, product: &Product) -> Outcome<()> {
    let body = json!({ "product_id": product.id, "quantity": QUANTITY });
    let answer = ask(shop, Method::POST, &format!("/cart/{user}/add"), Some(&body)).await?;
    status(&answer, 200)?;
    same("message", &answer.body["message"], &json!("Item added to cart"))?;
    cart(&answer.body["cart"], user, Some(product))
}

async fn read_cart(shop: &Shop, user: &str, product: &Product) -> Outcome<()> {
    let answer = get(shop, &format!("/cart/{user}")).await?;
    status(&answer, 200)?;
    cart(&answer.body, user, Some(product))
}

async fn remove(shop: &Shop, user: &str, product: &Product) -> Outcome<()> {
    let path = format!("/cart/{user}/remove/{}", product.id);
    let answer = ask(shop, Method::DELETE, &path, None).await?;
    status(&answer, 200)?;
    same("message", &answer.body["message"], &json!("Item removed from cart"))?;
    cart(&answer.body["cart"], user, None)
}

/// The cart has [`QUANTITY`] pieces of `product`, or nothing.
fn cart(cart: &Value, user: &str, product: Option<&Product>) -> Outcome<()> {
    same("user_id", &cart["user_id"], &json!(user))?;
    let items = cart["items"].as_array().ok_or("`items` is no list")?;
    same("number of items", &json!(items.len()), &json!(product.iter().len()))?;
    if let Some(product) = product {
        same("items[0].product_id", &items[0]["product_id"], &json!(product.id))?;
        same("items[0].quantity", &items[0]["quantity"], &json!(QUANTITY))?;
    }
    total(&cart["total"], product)
}

fn total(total: &Value, product: Option<&Product>) -> Outcome<()> {
    let expected = product.map_or(0, |product| product.cents * QUANTITY);
    same("total in cents", &json!(cents(total)), &json!(expected))
}

async fn refused(shop: &Shop, user: &str, product: &Product) -> Outcome<()> {
    let body = json!({ "user_id": user, "items": [{ "product_id": product.id, "quantity": -1 }] });
    let answer = ask(shop, Method::POST, "/orders", Some(&body)).await?;
    status(&answer, 422)?;
    answer.body["error"].as_str().map(drop).ok_or_else(|| "it says no `error`".into())
}

async fn order(shop: &Shop, user: &str, product: &Product) -> Outcome<i64> {
    let items = json!([{ "product_id": product.id, "quantity": QUANTITY }]);
    let body = json!({ "user_id": user, "items": items, "total": WRONG_TOTAL });
    let answer = ask(shop, Method::POST, "/orders", Some(&body)).await?;
    status(&answer, 201)?;
    same("message", &answer.body["message"], &json!("Order created successfully"))?;
    let order = &answer.body["order"];
    let id = order["id"].as_i64().ok_or("the order has no `id`")?;
    same("Location", &json!(answer.location), &json!(format!("/orders/{id}")))?;
    same("status", &order["status"], &json!("confirmed"))?;
    same("user_id", &order["user_id"], &json!(user))?;
    same("client_total", &order["client_total"], &json!(WRONG_TOTAL))?;
    total(&order["total"], Some(product))?;
    let matches = cents(&order["total"]) == cents(&json!(WRONG_TOTAL));
    same("total_matches", &order["total_matches"], &json!(matches))?;
    Ok(id)
}

async fn read_order(shop: &Shop, id: i64) -> Outcome<()> {
    let answer = get(shop, &format!("/orders/{id}")).await?;
    status(&answer, 200)?;
    same("id", &answer.body["id"], &json!(id))?;
    same("status", &answer.body["status"], &json!("confirmed"))
}

async fn orders_are(shop: &Shop, user: &str, id: i64) -> Outcome<()> {
    orders(shop, user, &[id]).await
}

async fn orders(shop: &Shop, user: &str, ids: &[i64]) -> Outcome<()> {
    let answer = get(shop, &format!("/orders/{user}")).await?;
    status(&answer, 200)?;
    same("count", &answer.body["count"], &json!(ids.len()))?;
    let orders = answer.body["orders"].as_array().ok_or("`orders` is no list")?;
    let found: Vec<&Value> = orders.iter().map(|order| &order["id"]).collect();
    same("ids", &json!(found), &json!(ids))
}

async fn cancel(shop: &Shop, id: i64) -> Outcome<()> {
    let answer = ask(shop, Method::POST, &format!("/orders/{id}/cancel"), None).await?;
    status(&answer, 200)?;
    same("status", &answer.body["order"]["status"], &json!("cancelled"))
}

async fn get(shop: &Shop, path: &str) -> Outcome<Answer> {
    ask(shop, Method::GET, path, None).await
}

async fn ask(shop: &Shop, method: Method, path: &str, body: Option<&Value>) -> Outcome<Answer> {
    let asked = shop.ask(method.clone(), path, body).await;
    asked.map_err(|error| Fault::Unreachable(format!("{method} {path}: {error}")))
}

fn status(answer: &Answer, expected: u16) -> Outcome<()> {
    if answer.status == expected {
        return Ok(());
    }
    let said = answer.body["error"].as_str().map(|error| format!(" ({error})")).unwrap_or_default();
    Err(format!("status is {}{said}, expected {expected}", answer.status).into())
}

fn same(what: &str, actual: &Value, expected: &Value) -> Outcome<()> {
    if actual == expected { Ok(()) } else { Err(format!("{what} is {actual}, expected {expected}").into()) }
}

/// Returns a JSON number with at most two decimals in cents, read from its digits.
fn cents(number: &Value) -> Option<i64> {
    let text = number.as_number()?.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    if fraction.len() > 2 {
        return None;
    }
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(format!("{fraction:0<2}").parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cents_are_read_from_digits() {
        for (json, expected) in [
            ("999.99", Some(99_999)),
            ("200.00", Some(20_000)),
            ("0", Some(0)),
            ("0.5", Some(50)),
            ("1e300", None),
        ] {
            assert_eq!(cents(&serde_json::from_str(json).unwrap()), expected, "{json}");
        }
    }
}
